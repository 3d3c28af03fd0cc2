"""All participants: from maps on disk to tests, tables and a page."""
