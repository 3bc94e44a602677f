"""arq: sending, releasing holds and delivering cards."""
