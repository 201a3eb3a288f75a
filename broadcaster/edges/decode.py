"""SEAM: any audio file -> samples, or a named fault; levels and limits. PyAV (FFmpeg) lives here."""

import errno
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain, groupby
from math import log10, pi, tan
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
from numpy.typing import NDArray

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.programme import SAMPLE_RATE

Samples = NDArray[np.float32]  # mono, SAMPLE_RATE, full scale is 1.0
MOST = 2.0  # linear; only damaged or wrong samples are higher
STREAMED = "mp3,aac,ogg,hls,mpegts,mov,flac,wav"  # containers of streams; but for HLS none names other files
PICTURES_A_SECOND = 5  # of a film: still ones, which change with the words


class Reader:
    """
    The samples of a file's sound track, in blocks, mixed to mono at SAMPLE_RATE; to be read once.

    Only what decodes counts, whatever headers and file names claim. Reading raises BroadcasterError where
    nothing does. The attributes are whole when it was read to its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds = 0.0
        self.claimed: float | None = None  # seconds, by the header
        self.channels = self.rate = self.damaged = 0  # damaged: packets that do not decode
        self.codec = self.container = ""
        self._apart = self._mixed = 0.0  # energy of the channels, and of what they are mixed to

    @property
    def cancels(self) -> bool:
        """Are left and right each other's opposite, so that mixed to one they are silent?"""
        return self.channels > 1 and self._mixed < self._apart / 1000

    def __iter__(self) -> Iterator[Samples]:
        try:
            with (
                self.path.open("rb") as file,  # and no protocol: a playlist that names other files opens none
                av.open(
                    file,
                    options={"protocol_whitelist": "none"},
                    metadata_errors="replace",  # those of old telephones are in encodings of their own
                ) as source,
            ):
                yield from self.samples(source)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise BroadcasterError(
                Fault(
                    self.path.name,
                    say("The file cannot be read as sound: {error}.", error=_reason(error)),
                    say("Record it again, or put the undamaged file in its place."),
                )
            ) from error
        if not self.seconds:
            raise BroadcasterError(
                Fault(self.path.name, say("Not one second of it can be decoded."), say("Record it again."))
            )

    def samples(self, source: Any, block: int = SAMPLE_RATE) -> Iterator[Samples]:
        """Those of *source*, which is open, *block* at a time: a few cost as much to pass on as many."""
        stream = source.streams.best("audio")
        if stream is None or stream.codec_context is None:
            raise BroadcasterError(
                Fault(self.path.name, say("There is no sound in this file."), say("Choose a recording."))
            )
        for other in source.streams:
            if other is not stream:
                other.discard = (
                    av.stream.Discard.all
                )  # the same in other qualities, which a server would send too
        self._describe(source, stream)
        for _, frames in groupby(self._frames(source, stream), key=_form):  # it may be of several kinds
            resampler = av.AudioResampler("fltp", rate=SAMPLE_RATE, frame_size=block)
            for out in chain.from_iterable(map(resampler.resample, chain(frames, [None]))):
                yield self._mono(_planes(out))

    def _describe(self, source: Any, stream: Any) -> None:
        self.container, self.codec = source.format.name, stream.codec_context.name
        self.channels, self.rate = stream.codec_context.channels, stream.codec_context.sample_rate
        if stream.duration is not None and stream.time_base is not None:
            self.claimed = float(stream.duration * stream.time_base)
        elif source.duration is not None:
            self.claimed = source.duration / av.time_base

    def _frames(self, source: Any, stream: Any) -> Iterator[Any]:
        for packet in source.demux(stream):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self.damaged += 1  # what is left of the file is judged by its length

    def _mono(self, channels: list[Samples]) -> Samples:
        self.seconds += len(channels[0]) / SAMPLE_RATE
        if any(not abs(float(one.sum())) < MOST * len(one) or np.abs(one).max() > MOST for one in channels):
            # What damage makes of a packet: without this, all else would count for silence beside it.
            channels = [np.clip(np.nan_to_num(one, posinf=0, neginf=0), -MOST, MOST) for one in channels]
        if len(channels) == 1:
            return channels[0]
        mixed: Samples = np.asarray(np.mean(channels, axis=0), np.float32)
        self._apart += sum(float(np.vdot(one, one)) for one in channels) / len(channels)
        self._mixed += float(np.vdot(mixed, mixed))
        return mixed


def _planes(frame: Any) -> list[Samples]:
    """The samples of each channel, where they lie; faster than copying them."""
    return [np.frombuffer(plane, np.float32, frame.samples) for plane in frame.planes]


def stream(url: str, patience: float) -> Iterator[Samples]:
    """
    Yield the samples of what a server sends, a tenth of a second at a time, until it ends.

    MP3, AAC, Opus or HLS by http or https; no other way leads out of it. Raises BroadcasterError if it
    fails, or sends nothing for *patience* seconds.
    """
    try:
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("only http:// and https:// lead to one")
        with av.open(
            url,
            options={"protocol_whitelist": "http,https,tcp,tls,crypto", "format_whitelist": STREAMED},
            timeout=patience,
            metadata_errors="replace",
        ) as source:
            yield from Reader(Path(urlsplit(url).path)).samples(source, SAMPLE_RATE // 10)
    except (av.FFmpegError, OSError, ValueError) as error:
        lost = getattr(error, "errno", None) == errno.EIO  # of a network, not of a disk
        reason = say("no server answers there as it should") if lost else _reason(error)
        raise BroadcasterError(
            Fault(
                url,
                say("The stream cannot be heard: {error}.", error=reason),
                say("See that the address is right and that its server can be reached from here."),
            )
        ) from error


def decode(path: Path) -> Iterator[Samples]:
    """Yield the samples of the sound track of *path*, as Reader does."""
    return iter(Reader(path))


def _reason(error: Exception) -> Text | str:
    return say("it is damaged, or no sound") if isinstance(error, av.InvalidDataError) else said(error)


def _form(frame: Any) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


class Filter:
    """A chain of FFmpeg's filters (`highpass=f=100,lowpass=f=6000`); as many samples come out as go in."""

    def __init__(self, steps: str) -> None:
        self._graph, self._at = av.filter.Graph(), 0
        node: Any = self._graph.add_abuffer(
            format="fltp", sample_rate=SAMPLE_RATE, layout="mono", time_base=Fraction(1, SAMPLE_RATE)
        )
        for step in [*steps.split(","), f"aformat=fltp:{SAMPLE_RATE}:mono", "abuffersink"]:
            name, _, options = step.partition("=")
            following = self._graph.add(name, options or None)
            node.link_to(following)
            node = following
        self._graph.configure()

    def __call__(self, block: Samples) -> Samples:
        """The block after the filters, which remember what came before it."""
        out = []
        for start in range(0, len(block), SAMPLE_RATE):  # frames of a second: longer ones are slow here
            piece = block[start : start + SAMPLE_RATE]
            self._graph.push(_frame(piece, self._at))
            self._at += len(piece)
            out += [_planes(frame)[0] for frame in _pull(self._graph)]
        return out[0] if len(out) == 1 else np.concatenate(out)


def k_weighting() -> Filter:
    """The filter of BS.1770 before power is taken: a high shelf and a high pass, made for SAMPLE_RATE."""
    high, f = 10 ** (3.999843853973347 / 20), tan(pi * 1681.974450955533 / SAMPLE_RATE)
    q, middle = 0.7071752369554196, high**0.4996667741545416
    shelf = _biquad(f, q, high + middle * f / q + f * f, 2 * (f * f - high), high - middle * f / q + f * f)
    f, q = tan(pi * 38.13547087602444 / SAMPLE_RATE), 0.5003270373238773
    scale = 1 + f / q + f * f  # the standard does not divide the high pass by it
    return Filter(f"{shelf},{_biquad(f, q, scale, -2 * scale, scale)}")


def _biquad(f: float, q: float, b0: float, b1: float, b2: float) -> str:
    a0, a1, a2 = 1 + f / q + f * f, 2 * (f * f - 1), 1 - f / q + f * f
    return f"biquad=b0={b0}:b1={b1}:b2={b2}:a0={a0}:a1={a1}:a2={a2}"


def decibels(ratio: float) -> float:
    return 20 * log10(ratio) if ratio > 0 else -120.0


def encode(
    blocks: Iterable[Samples], to: Path, codec: str, bit_rate: int | None = None, rate: int = SAMPLE_RATE
) -> None:
    """Write samples as *codec* ("flac", "libopus", "libmp3lame"); the suffix of *to* names the container."""
    with av.open(str(to), "w") as target:
        for packet in _encoded(blocks, target, codec, bit_rate, 48_000 if codec == "libopus" else rate):
            target.mux(packet)  # Opus knows no 32 kHz


def film(blocks: Iterable[Samples], seen: Callable[[float], NDArray[np.uint8]], to: Path) -> None:
    """
    Write an MP4: samples with what is *seen* at a time in seconds (rows of RGB, both sides even).

    The same array given again is taken for the same picture.
    """
    with av.open(str(to), "w", options={"movflags": "+faststart"}) as target:
        picture = seen(0.0)
        height, width, _ = picture.shape
        still = {"preset": "veryfast", "tune": "stillimage", "crf": "20"}
        stream: Any = target.add_stream(
            "libx264", PICTURES_A_SECOND, still, width=width, height=height, pix_fmt="yuv420p"
        )
        stream.codec_context.gop_size = 10 * PICTURES_A_SECOND
        for name in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(stream.codec_context, name, 1)  # BT.709, limited: what players take HD to be
        frame, shown = None, 0
        for packet in _encoded(blocks, target, "aac", 128_000, 48_000):
            target.mux(packet)
            while not shown or (shown + 1) / PICTURES_A_SECOND <= packet.pts * packet.time_base:
                wanted = seen((shown + 0.5) / PICTURES_A_SECOND)
                if frame is None or wanted is not picture:
                    picture = wanted
                    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
                        format="yuv420p", dst_colorspace="ITU709"
                    )
                frame.pts, frame.time_base = shown, Fraction(1, PICTURES_A_SECOND)
                target.mux(stream.encode(frame))
                shown += 1
        target.mux(stream.encode(None))


def _encoded(
    blocks: Iterable[Samples], target: Any, codec: str, bit_rate: int | None, rate: int
) -> Iterator[Any]:
    """The packets of a new sound track of *target*, mono."""
    stream: Any = target.add_stream(codec, rate=rate)
    stream.layout = "mono"
    if bit_rate is not None:
        stream.bit_rate = bit_rate
    resampler = av.AudioResampler(stream.format.name, "mono", rate, frame_size=stream.frame_size)
    at = 0
    for frame in chain.from_iterable(resampler.resample(one) for one in chain(map(_frame, blocks), [None])):
        frame.pts, frame.time_base = at, Fraction(1, rate)
        at += frame.samples
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _frame(block: Samples, at: int = 0) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(block, np.float32)[np.newaxis], format="fltp", layout="mono"
    )
    frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), at
    return frame


def _pull(graph: av.filter.Graph) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
