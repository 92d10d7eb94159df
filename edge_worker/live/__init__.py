"""Live analysis: what is computed and published while sound still arrives."""
