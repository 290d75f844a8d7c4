"""Whatever Apprise speaks (https://github.com/caronc/apprise)."""

import logging

from argos_gitops.model.errors import SettingsError, TerminalError, TransientError
from argos_gitops.model.event import Severity
from argos_gitops.model.notification import AppriseChannel
from argos_gitops.notify.channels.http import check_url
from argos_gitops.notify.message import Message
from argos_gitops.ports.secrets import Secrets

_TYPES = {Severity.ERROR: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}


def send(spec: AppriseChannel, message: Message, secrets: Secrets) -> str:
    url = secrets.resolve(spec.url).reveal()
    check_url("the channel", url)
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError as error:
        raise SettingsError(
            "Apprise is not installed; pip install 'argos-gitops[notify]'", reason="AppriseMissing"
        ) from error
    # Its warnings name the URL, and what the other side answered.
    logging.getLogger("apprise").disabled = True
    service = Apprise(asset=AppriseAsset(app_id="argos-gitops", secure_logging=True, async_mode=False))
    if not service.add(url):
        raise TerminalError("Apprise does not understand the URL of the channel", reason="ChannelRefused")
    room = min(each.body_maxlen for each in service) - len(message.title) - 2
    text = message.within(max(room, 0)).text
    if not service.notify(text, message.title, _TYPES[message.severity], body_format="text"):
        raise TransientError("Apprise could not deliver through the channel", reason="ChannelFailing")
    return ""
