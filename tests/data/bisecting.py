"""Prints the golden values of tests/bisecting.rs: scikit-learn's BisectingKMeans on iris and wine."""

import numpy as np
from sklearn.cluster import BisectingKMeans

iris = np.loadtxt("examples/data/iris.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2, 3))
wine = np.loadtxt("tests/data/wine.csv", delimiter=",", usecols=range(13))
for name, x in (("iris", iris), ("wine", wine)):
    for strategy in ("biggest_inertia", "largest_cluster"):
        for k in (2, 3, 5, 8):
            model = BisectingKMeans(
                k, init="k-means++", n_init=50, tol=0, max_iter=1000, random_state=0, bisecting_strategy=strategy
            ).fit(x)
            print(name, strategy, k, repr(model.inertia_), sorted(np.bincount(model.labels_).tolist()))
