"""How a message leaves: one file for each way, with `send(spec, message, secrets)` in each.

Belongs here: what the other side expects, and what its answers mean. Does not: when to try again, and who
is told what.

`send` gives back a sentence about recipients that it could not reach while it reached others, empty
when all is well. It raises TransientError (reason ChannelUnreachable, ChannelBusy or ChannelFailing) when
trying again may help, TerminalError (ChannelRefused) when not, SettingsError for a secret that is missing.
What it says never holds a secret: neither a URL, nor what the other side answered.
"""
