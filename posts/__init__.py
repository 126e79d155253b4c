"""The engine that brings one post out, once. It knows nothing of campaigns or places."""
