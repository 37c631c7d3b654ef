"""Prints what tests/medoids.rs holds as golden values: FasterPAM of PyPI kmedoids 0.5 on iris, from rows (37 i + 5) mod 150."""

import kmedoids
import numpy as np
from sklearn.metrics import pairwise_distances

x = np.loadtxt("examples/data/iris.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2, 3))
for metric in ("euclidean", "manhattan"):
    distances = pairwise_distances(x, metric=metric)
    for k in (2, 3, 5, 8, 12):
        start = np.array([(i * 37 + 5) % 150 for i in range(k)], dtype=np.uintp)
        result = kmedoids.fasterpam(distances, start, n_cpu=1)
        silhouette = kmedoids.medoid_silhouette(distances, result.medoids)[0]
        print(metric, k, repr(result.loss), repr(silhouette))
