"""HTTP requests that we make: one client whose answers are bounded in size and in time.

Belongs here: what holds for every request of ours, whoever is asked. What an answer means belongs to
whoever asks.
"""

from argos_gitops.outbound.client import (
    AnswerTooLargeError,
    AnswerTooSlowError,
    BoundedClient,
    Bounds,
    narrow,
    within,
)

__all__ = ["AnswerTooLargeError", "AnswerTooSlowError", "BoundedClient", "Bounds", "narrow", "within"]
