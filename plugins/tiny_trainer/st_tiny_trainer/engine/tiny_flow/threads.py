"""How many threads numpy may use: one. BLAS threads spin, and collapse beside other work."""

#: What the libraries numpy may be built with read when they are loaded.
ONE_THREAD: dict[str, str] = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
