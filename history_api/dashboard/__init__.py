"""Dashboard: pages for a browser, with their templates and assets."""
