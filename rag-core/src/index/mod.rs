//! Vectors to nearest neighbours: int8 codes, exact scan, HNSW graph.
