"""The application around the engine: portals, places, campaigns, the calendar and its faces."""
