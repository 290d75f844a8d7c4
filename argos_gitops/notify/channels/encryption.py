"""What Web Push asks for: an encrypted payload (RFC 8188, 8291) and a signed sender (VAPID, RFC 8292)."""

import base64
import binascii
import os
from dataclasses import dataclass

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

MAX_PAYLOAD = 3993
"""Bytes that fit into the 4096 that every push service takes."""

_RECORD_SIZE = (4096).to_bytes(4, "big")
_LAST_RECORD = b"\x02"
_CURVE = ec.SECP256R1()
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Subscription:
    """One browser: where to push, its public key, and its authentication secret."""

    endpoint: str
    public_key: bytes
    auth: bytes

    @classmethod
    def parse(cls, document: object) -> "Subscription":
        """What PushSubscription.toJSON() gave; ValueError for anything else."""
        match document:
            case {"endpoint": str(endpoint), "keys": {"p256dh": str(public), "auth": str(auth)}}:
                return cls(endpoint, from_base64url(public), from_base64url(auth))
        raise ValueError("not a push subscription")


def encrypt(payload: bytes, subscription: Subscription) -> bytes:
    """One aes128gcm record that only this browser can read. ValueError when its key is none."""
    return encrypt_with(payload, subscription, ec.generate_private_key(_CURVE), os.urandom(16))


def encrypt_with(
    payload: bytes, subscription: Subscription, ours: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """The same with a given key pair and salt: each may be used once only."""
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, subscription.public_key)
    our_public = public_bytes(ours)
    info = b"WebPush: info\0" + subscription.public_key + our_public
    keying = _derive(subscription.auth, ours.exchange(ec.ECDH(), theirs), info, 32)
    key = _derive(salt, keying, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, keying, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD_SIZE + bytes([len(our_public)]) + our_public
    return header + AESGCM(key).encrypt(nonce, payload + _LAST_RECORD, None)


def authorization(key: ec.EllipticCurvePrivateKey, audience: str, contact: str, expires: int) -> str:
    """The header that says who sends to the push service of origin `audience`, until Unix time `expires`."""
    claims = {"aud": audience, "exp": expires, "sub": contact}
    signed = ".".join(to_base64url(orjson.dumps(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    token = f"{signed}.{to_base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"vapid t={token}, k={to_base64url(public_bytes(key))}"


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """From PEM, or from 32 bytes in base64url. ValueError when it is neither."""
    if not text.startswith("-----BEGIN"):
        raw = from_base64url(text)
        if len(raw) != _KEY_BYTES:
            raise ValueError("not a key of the curve P-256")
        return ec.derive_private_key(int.from_bytes(raw, "big"), _CURVE)
    found = load_pem_private_key(text.encode(), password=None)
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.curve.name != _CURVE.name:
        raise ValueError("not a key of the curve P-256")
    return found


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def from_base64url(text: str) -> bytes:
    """Padded or not; ValueError when it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def to_base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
