"""Complete deployment on loopback: broker, worker, history API and firmware as processes."""
