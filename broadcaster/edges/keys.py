"""
Keys: who signed what, who may connect, and who the other end is. Ed25519, and X.509 for the server.

A key is written as NATS writes it: a seed `SU…`, which is kept, and a public key `U…`, which is told.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, say

# A station whose clock stands at 1970 must not take its province for a stranger; who may connect is told by
# the list of stations, not by days.
HOLDS = datetime(1970, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
SECRET = 16  # bytes of an invitation


class NotTrustedError(BroadcasterError):
    """It was not signed by whom it must be, or not as it stands there."""


@dataclass(frozen=True)
class Certificate:
    """PEM."""

    certificate: bytes
    key: bytes


def new_seed() -> str:
    return seed_of(secrets.token_bytes(32))


def seed_of(raw: bytes) -> str:
    """The seed made of 32 bytes."""
    import nkeys

    return bytes(nkeys.encode_seed(raw, nkeys.PREFIX_BYTE_USER)).decode()


def public_key(seed: str) -> str:
    """What is told to others of *seed*. Raises ValueError if it is none."""
    import nkeys

    try:
        return bytes(nkeys.from_seed(bytearray(seed.encode())).public_key).decode()
    except nkeys.NkeysError as error:
        raise ValueError(seed[:2]) from error


def seal(seed: str, kind: str, body: str) -> bytes:
    """*body* with the signature of *seed* for this *kind* of document; for another it is worth nothing."""
    import nkeys

    pair = nkeys.from_seed(bytearray(seed.encode()))
    signature = base64.b64encode(pair.sign(_signed(kind, body))).decode()
    return json.dumps({"by": public_key(seed), "signature": signature, "body": body}).encode()


def unseal(data: bytes, kind: str, trusted: Collection[str]) -> str:
    """
    The body of a sealed document. Raises NotTrustedError unless a key in *trusted* signed it as this
    *kind*.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        told = json.loads(data)
        by, body, signature = told["by"], told["body"], base64.b64decode(told["signature"], validate=True)
        if by in trusted:
            raw = base64.b32decode(by + "=" * (-len(by) % 8))[1:-2]
            Ed25519PublicKey.from_public_bytes(raw).verify(signature, _signed(kind, body))
            return str(body)
    except (ValueError, LookupError, TypeError, AttributeError, InvalidSignature, RecursionError) as error:
        raise NotTrustedError(_altered()) from error
    stranger = say("It is signed by a key that is not trusted here: {key}…", key=str(by)[:12])
    raise NotTrustedError(Fault("", stranger, say("Find out where it comes from; nothing of it was used.")))


def _altered() -> Fault:
    what = say("It is not signed, or not as it stands there.")
    return Fault("", what, say("It was altered or cut off. Have it sent once more; nothing of it was used."))


def _signed(kind: str, body: str) -> bytes:
    return f"broadcaster/{kind}/1\n{body}".encode()


# Invitations: both sides know a secret, and nothing else of each other yet


def new_secret() -> str:
    return base64.b32encode(secrets.token_bytes(SECRET)).decode().rstrip("=")


def mac(secret: str, kind: str, body: str) -> str:
    return hmac.new(_raw(secret), _signed(kind, body), sha256).hexdigest()


def has_mac(secret: str, kind: str, body: str, told: str) -> bool:
    return hmac.compare_digest(mac(secret, kind, body), told)


def invited_seed(secret: str) -> str:
    """The key by which whoever was invited connects, once."""
    return seed_of(hmac.new(_raw(secret), b"broadcaster/invited", sha256).digest())


def _raw(secret: str) -> bytes:
    """Raises ValueError if it is no secret."""
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    if len(raw) != SECRET:
        raise ValueError(secret[:2])
    return raw


# The server's certificate


def authority(name: str) -> Certificate:
    """A certificate that signs others: what stations know their server by."""
    from cryptography import x509

    key = _new_key()
    unlimited = x509.BasicConstraints(ca=True, path_length=0)
    return _issued(name, key, name, key, [(unlimited, True)])


def certificate(issuer: Certificate, hosts: Sequence[str]) -> Certificate:
    """One for a server that is found by these names or addresses."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    above = x509.load_pem_x509_certificate(issuer.certificate)
    signing = load_pem_private_key(issuer.key, None)
    names = x509.SubjectAlternativeName([_general(host) for host in hosts])
    issued_by = above.subject.rfc4514_string().removeprefix("CN=")
    return _issued(hosts[0], _new_key(), issued_by, signing, [(names, False)])


def _issued(name: str, key: Any, issuer: str, signing: Any, extensions: Sequence[Any]) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import NameOID

    def called(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])

    builder = x509.CertificateBuilder(called(issuer), called(name), key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(HOLDS[0]).not_valid_after(HOLDS[1])
    known_by = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    for extension, critical in [*extensions, (known_by, False), (signed_by, False)]:
        builder = builder.add_extension(extension, critical)
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    signed = builder.sign(signing, SHA256())
    return Certificate(signed.public_bytes(Encoding.PEM), key.private_bytes(*form))


def _new_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _general(host: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
