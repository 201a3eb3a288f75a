"""Is a file fit to be a recording? What was heard of it, and what an officer is told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Heard:
    """What decoding a file to its end told; headers and names are not believed."""

    seconds: float  # that decode
    claimed: float | None  # seconds, by its header
    lufs: float  # BS.1770; -70 where there is nothing to measure
    peak_dbtp: float  # true peak; -120 for digital silence
    clipped: float  # share of the samples that are flattened at full scale, 0 to 1
    noise_dbfs: float  # its quietest stretches: the 10th percentile of 20 ms levels
    spread: float  # dB between its loud (95th percentile) and its quietest stretches
    silence_before: float  # seconds
    silence_after: float  # seconds
    channels: int
    rate: int  # Hz, of the file
    codec: str
    container: str
    damaged: int  # packets that did not decode
    cancels: bool  # left and right are each other's opposite: mixed to one they are silent
