"""Prints the golden values of tests/spherical.rs: FAISS's spherical k-means on the scaled rows of iris, from rows (37 i + 5) mod 150."""

import faiss
import numpy as np

x = np.loadtxt("examples/data/iris.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2, 3))
x /= np.linalg.norm(x, axis=1, keepdims=True)
x = x.astype(np.float32)
for k in (2, 3, 5, 8):
    start = x[[(i * 37 + 5) % 150 for i in range(k)]]
    kmeans = faiss.Kmeans(4, k, niter=100, spherical=True, min_points_per_centroid=1)
    kmeans.train(x, init_centroids=start)
    cosines = (x.astype(float) @ kmeans.centroids.astype(float).T).max(axis=1)
    print(k, repr(float(cosines.mean())))
