"""The page: one HTML file, and what it says beside tables and figures."""
