"""TLS towards an engine: both sides prove who they are."""

import ssl

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.secret import SecretValue
from argos_gitops.providers.docker.engine.private import PrivateFolder


def tls_context(engine: str, ca: SecretValue, cert: SecretValue, key: SecretValue) -> ssl.SSLContext:
    """Python reads certificates of one's own from files alone: they exist while this runs.

    Raises TerminalError where one of them is no PEM, or they do not belong together.
    """
    folder = PrivateFolder()
    try:
        context = ssl.create_default_context(cadata=ca.reveal())
        ours = folder.write("cert.pem", cert.reveal())
        context.load_cert_chain(ours, folder.write("key.pem", key.reveal()))
    except (ssl.SSLError, ValueError) as error:
        raise TerminalError(
            f"{engine}: docker.connection.tcp.tls holds no usable certificates ({type(error).__name__}); "
            "ca, cert and key are PEM texts, and cert belongs to key",
            reason="BadCertificate",
        ) from error
    finally:
        folder.remove()
    return context
