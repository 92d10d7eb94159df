"""Dashboard: HTML pages for a browser, with their templates, scripts and style sheet."""
