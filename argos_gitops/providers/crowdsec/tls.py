"""How LAPI proves who it is, and how we do, by certificates."""

import os
import ssl
from dataclasses import dataclass

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.secret import SecretRef, SecretValue
from argos_gitops.ports.secrets import Secrets
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM texts: the authorities that LAPI's certificate is checked with, and a certificate of our own with
    its key. What is empty is not set: then the system's authorities count, and no certificate is shown."""

    ca: str = ""
    cert: str = ""
    key: SecretValue | None = None


NO_TLS = Tls()


def tls_of(settings: CrowdSecSettings, secrets: Secrets) -> Tls:
    """What `crowdsec.tls` names, read now; SettingsError when something cannot be had."""
    spec = settings.tls
    if spec is None:
        return NO_TLS
    return Tls(
        ca=_text(spec.ca, secrets),
        cert=_text(spec.cert, secrets),
        key=None if spec.key is None else secrets.resolve(spec.key),
    )


def verification(url: str, tls: Tls) -> ssl.SSLContext | bool:
    """What httpx calls `verify`. TerminalError (CertificateUnusable) when ours cannot be used."""
    if not url.startswith("https:"):
        return False
    if tls == NO_TLS:
        return True
    part = "ca"
    try:
        context = ssl.create_default_context(cadata=tls.ca or None)
        part = "cert and crowdsec.tls.key"
        if tls.cert and tls.key is not None:
            _show(context, f"{tls.cert}\n{tls.key.reveal()}\n")
    except (OSError, ValueError) as error:
        raise TerminalError(
            f"crowdsec.tls.{part} cannot be used ({type(error).__name__}); expected PEM, the key without a "
            "password and belonging to the certificate",
            reason="CertificateUnusable",
        ) from None
    return context


def _show(context: ssl.SSLContext, pem: str) -> None:
    """OpenSSL reads certificates from files alone; this one exists in memory only."""
    descriptor = os.memfd_create("lapi-client", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem.encode())
        # Without a password given, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=bytes)
    finally:
        os.close(descriptor)


def _text(ref: SecretRef | None, secrets: Secrets) -> str:
    return "" if ref is None else secrets.resolve(ref).reveal()
