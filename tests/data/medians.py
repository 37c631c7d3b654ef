"""Prints the golden values of tests/medians.rs: pyclustering's kmedians (its Python form, L1) on iris from the same starts.

    pip install numpy scikit-learn pyclustering && python medians.py
"""
import warnings

import numpy as np

# A name that pyclustering 0.10 still uses and NumPy 2 dropped.
np.warnings = warnings
from pyclustering.cluster.kmedians import kmedians
from pyclustering.utils.metric import distance_metric, type_metric
from sklearn.datasets import load_iris

x = load_iris().data
for k in range(1, 8):
    start = [x[(i * 37 + 5) % len(x)].tolist() for i in range(k)]
    metric = distance_metric(type_metric.MANHATTAN)
    model = kmedians(x.tolist(), start, tolerance=0.0, itermax=200, ccore=False, metric=metric)
    model.process()
    medians = np.array(model.get_medians())
    print(f"    ({k}, {float(np.abs(x[:, None] - medians[None]).sum(2).min(1).sum())!r}),")
