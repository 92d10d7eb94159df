"""HTTP server: connections that no client can hold on to, and the WSGI application in threads behind them."""
