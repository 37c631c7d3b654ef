"""Prints the golden values of tests/scores.rs: scikit-learn's scores of iris and of generated rows under fixed labels.

    pip install numpy scikit-learn && python golden_scores.py
"""
import numpy as np
import sklearn
from sklearn import metrics
from sklearn.datasets import load_iris


def below(state, n):
    state = (1664525 * state + 1013904223) % 2**32
    return state, (state >> 16) % n


def generated():
    """300 x 5 quarters in six groups, and labels that are wrong for one row in ten or so."""
    state, rows, labels = 777, [], []
    for i in range(300):
        row = []
        for t in range(5):
            state, noise = below(state, 24)
            row.append(0.25 * noise + 4.0 * ((i % 6) * (t + 1) % 5))
        state, wrong = below(state, 10)
        rows.append(row)
        labels.append((i + 1) % 6 if wrong == 0 else i % 6)
    return np.array(rows), np.array(labels)


iris, species = load_iris(return_X_y=True)
bands = (iris[:, 2] > 1.9).astype(int) + (iris[:, 2] > 4.5) + (iris[:, 2] > 5.5)
rows, labels = generated()
alone = np.where(np.arange(300) == 5, 9, labels)
print("scikit-learn", sklearn.__version__)
for name, x, l in [("species", iris, species), ("bands", iris, bands), ("generated", rows, labels), ("alone", rows, alone)]:
    s = metrics.silhouette_samples(x, l)
    print(name, *map(repr, map(float, (metrics.silhouette_score(x, l), s[0], s[77], s[-1],
          metrics.calinski_harabasz_score(x, l), metrics.davies_bouldin_score(x, l)))))
for name, a, b in [("iris", species, bands), ("generated", np.arange(300) % 6, labels), ("apart", np.arange(300) % 6, np.arange(300) // 50)]:
    print(name, repr(float(metrics.adjusted_rand_score(a, b))), repr(float(metrics.normalized_mutual_info_score(a, b))))
