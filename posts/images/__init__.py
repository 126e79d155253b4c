"""Pictures: fetched with suspicion, checked, shrunk to a network's limits, stripped of metadata, kept by content.

Every failure is an `ImageError`: a stable reason and its detail.
"""

from posts.images.errors import ImageError
from posts.images.fetching import FetchLimits, fetch, status_of
from posts.images.preparing import PreparedImage, prepare_image
from posts.images.storing import store, trim

__all__ = ["FetchLimits", "ImageError", "PreparedImage", "fetch", "prepare_image", "status_of", "store", "trim"]
