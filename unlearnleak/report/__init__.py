"""From runs on disk to what people read. Only complete result.json files count as results."""
