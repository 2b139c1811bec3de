"""Write what scikit-learn (and scipy.stats) compute for probes and metrics, with the data they computed it from.

    python make_sklearn.py --out ../sklearn

Every value is float64 (labels, groups and folds int64) in flat safetensors names; README.md lists names and shapes.
Scalars have shape (1). Each solution is checked here against its own optimality condition before it is written.
"""

import argparse
import pathlib
import warnings

import numpy as np
import scipy.stats
import sklearn
from safetensors.numpy import save_file
from sklearn import linear_model, metrics, model_selection, preprocessing

warnings.filterwarnings("ignore")


def rng(seed):
    return np.random.Generator(np.random.PCG64(seed))


def write(path, tensors):
    out = {}
    for name, value in tensors.items():
        value = np.asarray(value)
        dtype = np.int64 if value.dtype.kind in "iub" else np.float64
        out[name] = np.ascontiguousarray(np.atleast_1d(value).astype(dtype))
    save_file(out, path)
    path.chmod(0o644)
    print(f"{path.name:24s} {path.stat().st_size:7d} B  {len(out)} tensors")


def features(seed, n, d):
    """Correlated columns of different scale and offset, condition number of a few hundred."""
    g = rng(seed)
    mixing = np.eye(d) + 0.4 * g.standard_normal((d, d)) / np.sqrt(d)
    return g.standard_normal((n, d)) @ mixing * np.exp(0.5 * g.standard_normal(d)) + g.standard_normal(d)


def targets(seed, X, count):
    g = rng(seed)
    Z = (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1)
    return Z @ g.standard_normal((X.shape[1], count)) * 0.5 + 0.8 * g.standard_normal((len(X), count)) + g.standard_normal(count)


# --- ridge ------------------------------------------------------------------------------------------------------------

ALPHAS = np.array([1e-3, 0.1, 1.0, 10.0, 1000.0])


def ridge(X, Y, alpha, weight=None):
    model = linear_model.Ridge(alpha=alpha, solver="cholesky" if X.shape[0] > X.shape[1] else "svd").fit(X, Y, weight)
    w = np.ones(len(X)) if weight is None else weight
    residual = (Y - model.predict(X)) * w[:, None]
    gradient = np.abs(alpha * model.coef_.T - X.T @ residual).max()
    assert gradient < 1e-8 * max(1, np.abs(X.T @ Y).max()), gradient
    return model.coef_, model.intercept_


def ridge_path(out, prefix, X, Y, weight=None):
    fits = [ridge(X, Y, a, weight) for a in ALPHAS]
    out[prefix + "coef"] = np.stack([c for c, _ in fits])
    out[prefix + "intercept"] = np.stack([b for _, b in fits])


def gcv(X, Y):
    n, rows = len(X), []
    for alpha in ALPHAS:
        A = np.hstack([np.ones((n, 1)), X])
        penalty = np.diag([0.0] + [alpha] * X.shape[1])
        H = A @ np.linalg.solve(A.T @ A + penalty, A.T)
        rss = ((Y - H @ Y) ** 2).sum(0)
        rows.append(n * rss / (n - np.trace(H)) ** 2)
    return np.stack(rows)


def leave_one_out(X, Y):
    n, out = len(X), np.zeros((len(ALPHAS),) + Y.shape)
    for i in range(n):
        keep = np.arange(n) != i
        for a, alpha in enumerate(ALPHAS):
            coef, intercept = ridge(X[keep], Y[keep], alpha)
            out[a, i] = Y[i] - (X[i] @ coef.T + intercept)
    return out


def held_out(X, Y, splits, standardise):
    mse, fold_of_row = [], np.zeros(len(X), np.int64)
    for f, (train, test) in enumerate(splits):
        fold_of_row[test] = f
        A, B = X[train], X[test]
        if standardise:
            scaler = preprocessing.StandardScaler().fit(A)
            A, B = scaler.transform(A), scaler.transform(B)
        rows = []
        for alpha in ALPHAS:
            coef, intercept = ridge(A, Y[train], alpha)
            rows.append(((Y[test] - B @ coef.T - intercept) ** 2).mean(0))
        mse.append(rows)
    return fold_of_row, np.array(mse)


def make_ridge():
    out = {"alphas": ALPHAS}

    X = features(1, 80, 9)
    Y = targets(2, X, 3)
    scaler = preprocessing.StandardScaler().fit(X)
    ols = linear_model.LinearRegression().fit(X, Y)
    out.update({"tall.X": X, "tall.Y": Y, "tall.mean": scaler.mean_, "tall.std": scaler.scale_,
                "tall.ols.coef": ols.coef_, "tall.ols.intercept": ols.intercept_})
    ridge_path(out, "tall.", X, Y)
    ridge_path(out, "tall.standardised.", scaler.transform(X), Y)
    weight = rng(3).integers(1, 4, len(X)).astype(float)
    out["tall.weight"] = weight
    ridge_path(out, "tall.weighted.", X, Y, weight)
    repeated = np.repeat(np.arange(len(X)), weight.astype(int))
    assert np.allclose(ridge(X[repeated], Y[repeated], 1.0)[0], out["tall.weighted.coef"][2], rtol=1e-9)

    out["tall.gcv"] = gcv(X, Y)
    residual = leave_one_out(X, Y)
    cv = linear_model.RidgeCV(alphas=ALPHAS, store_cv_results=True).fit(X, Y)
    assert np.abs(cv.cv_results_.transpose(2, 0, 1) - residual ** 2).max() < 1e-9
    per_target = [linear_model.RidgeCV(alphas=ALPHAS).fit(X, Y[:, t]).alpha_ for t in range(Y.shape[1])]
    out.update({"tall.loo.residual": residual, "tall.loo.squared_error": cv.cv_results_.transpose(2, 0, 1),
                "tall.loo.best_alpha_shared": cv.alpha_, "tall.loo.best_alpha_per_target": per_target})
    groups = rng(4).integers(0, 7, len(X))
    out["tall.group"] = groups
    for name, splits in (("kfold5", list(model_selection.KFold(5).split(X))),
                         ("groupkfold3", list(model_selection.GroupKFold(3).split(X, Y, groups)))):
        fold, out[f"tall.{name}.mse"] = held_out(X, Y, splits, False)
        _, out[f"tall.{name}.mse_standardised"] = held_out(X, Y, splits, True)
        out[f"tall.{name}.fold"] = fold

    X = features(5, 20, 35)
    Y = targets(6, X, 2)
    out.update({"wide.X": X, "wide.Y": Y, "wide.gcv": gcv(X, Y), "wide.loo.residual": leave_one_out(X, Y)})
    ridge_path(out, "wide.", X, Y)

    X = features(7, 40, 6)
    X[:, 3] = 2.5
    Y = targets(8, X, 2)
    scaler = preprocessing.StandardScaler().fit(X)
    out.update({"constant.X": X, "constant.Y": Y, "constant.mean": scaler.mean_, "constant.std": scaler.scale_})
    ridge_path(out, "constant.", X, Y)
    ridge_path(out, "constant.standardised.", scaler.transform(X), Y)
    return out


# --- logistic regression ----------------------------------------------------------------------------------------------

CS = np.array([0.01, 0.1, 1.0, 10.0, 100.0])


def softmax(scores):
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def logistic(X, y, C, weight=None):
    """Coefficients (rows: 1 for two classes, K otherwise) at the optimum of C * sum(loss) + |W|^2 / 2."""
    model = linear_model.LogisticRegression(C=C, tol=1e-13, solver="newton-cholesky", max_iter=1000).fit(X, y, weight)
    w = np.ones(len(X)) if weight is None else weight
    scores = X @ model.coef_.T + model.intercept_
    if len(model.classes_) == 2:
        error = 1 / (1 + np.exp(-scores)) - (y == model.classes_[1])[:, None]
    else:
        error = softmax(scores) - (y[:, None] == model.classes_)
    error = error * w[:, None]
    gradient = max(np.abs(model.coef_ + C * error.T @ X).max() / C, np.abs(error.sum(0)).max()) / len(X)
    intercept = model.intercept_ if len(model.classes_) == 2 else model.intercept_ - model.intercept_.mean()
    again = linear_model.LogisticRegression(C=C, tol=1e-12, solver="lbfgs", max_iter=100000).fit(X, y, weight)
    gap = np.abs(again.coef_ - model.coef_).max()
    assert gradient < 1e-10 and gap < 1e-4, (gradient, gap)
    return model.coef_, intercept, gradient


def make_logistic():
    out, worst = {"C": CS}, 0.0
    X = features(11, 120, 6)
    g = rng(12)
    Z = (X - X.mean(0)) / X.std(0)
    cases = {"binary": (Z[:, 0] - 0.7 * Z[:, 3] + 0.9 * g.standard_normal(120) > 0.3).astype(int),
             "three": np.digitize(Z[:, 1] + Z[:, 2] + 0.9 * g.standard_normal(120), [-0.8, 0.9]),
             "five": np.argmax(Z @ g.standard_normal((6, 5)) + g.standard_normal((120, 5)), 1),
             "separable": (Z[:, 0] > 0.1).astype(int)}
    weight = g.integers(1, 4, 120).astype(float)
    out.update({"X": X, "weight": weight})
    for name, y in cases.items():
        out[name + ".y"] = y
        for suffix, w in (("", None), (".weighted", weight)):
            coefs, intercepts, probabilities = [], [], []
            for C in CS:
                coef, intercept, gradient = logistic(X, y, C, w)
                worst = max(worst, gradient)
                scores = X @ coef.T + intercept
                if coef.shape[0] == 1:
                    coef, intercept = coef[0], intercept[0]
                    probabilities.append(1 / (1 + np.exp(-scores[:, 0])))
                else:
                    probabilities.append(softmax(scores))
                coefs.append(coef)
                intercepts.append(intercept)
            out[name + suffix + ".coef"] = np.stack(coefs)
            out[name + suffix + ".intercept"] = np.stack(intercepts)
            if suffix == "":
                out[name + ".probability"] = np.stack(probabilities)
    print(f"logistic: largest mean-loss gradient {worst:.1e}")
    return out


# --- metrics ----------------------------------------------------------------------------------------------------------

def regression_metrics(y, p):
    return {"r2": metrics.r2_score(y, p), "mse": metrics.mean_squared_error(y, p), "mae": metrics.mean_absolute_error(y, p),
            "explained_variance": metrics.explained_variance_score(y, p), "pearson": scipy.stats.pearsonr(y, p)[0],
            "spearman": scipy.stats.spearmanr(y, p)[0], "kendall": scipy.stats.kendalltau(y, p)[0]}


def binary_metrics(y, s):
    hard = (s >= 0.5).astype(int)
    return {"roc_auc": metrics.roc_auc_score(y, s), "average_precision": metrics.average_precision_score(y, s),
            "accuracy": metrics.accuracy_score(y, hard), "balanced_accuracy": metrics.balanced_accuracy_score(y, hard),
            "mcc": metrics.matthews_corrcoef(y, hard), "f1": metrics.f1_score(y, hard),
            "f1_macro": metrics.f1_score(y, hard, average="macro"), "precision": metrics.precision_score(y, hard),
            "recall": metrics.recall_score(y, hard), "brier": metrics.brier_score_loss(y, s),
            "log_loss": metrics.log_loss(y, s)}


def multiclass_metrics(y, P):
    hard = P.argmax(1)
    onehot = np.eye(P.shape[1])[y]
    return {"roc_auc_ovr_macro": metrics.roc_auc_score(y, P, multi_class="ovr", average="macro"),
            "average_precision_macro": metrics.average_precision_score(onehot, P, average="macro"),
            "accuracy": metrics.accuracy_score(y, hard), "balanced_accuracy": metrics.balanced_accuracy_score(y, hard),
            "mcc": metrics.matthews_corrcoef(y, hard), "f1_macro": metrics.f1_score(y, hard, average="macro"),
            "log_loss": metrics.log_loss(y, P)}


def make_metrics():
    out = {}

    def add(name, kind, y, p):
        out[name + ".y"], out[name + ".p"] = y, p
        for metric, value in kind(y, p).items():
            out[f"{name}.{metric}"] = value

    g = rng(21)
    y = g.standard_normal(101)
    add("regression.plain", regression_metrics, y, 0.7 * y + 0.5 * g.standard_normal(101) + 0.2)
    add("regression.ties", regression_metrics, np.round(2 * y) / 2, np.round(1.5 * (0.6 * y + 0.6 * g.standard_normal(101))))
    add("regression.offset", regression_metrics, 1e6 + y, 1e6 + 0.5 * y + g.standard_normal(101))
    add("regression.two", regression_metrics, np.array([1.0, 2.0]), np.array([0.5, 0.25]))

    label = (g.random(150) < 0.3).astype(int)
    score = np.clip(0.3 * label + 0.7 * g.random(150), 0.01, 0.99)
    add("binary.plain", binary_metrics, label, score)
    add("binary.ties", binary_metrics, label, np.round(score * 8) / 8 * 0.98 + 0.01)
    add("binary.all_tied", binary_metrics, label, np.full(150, 0.5))
    add("binary.small", binary_metrics, np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    add("binary.inverted", binary_metrics, label, np.where(label == 1, 0.1, 0.9))

    for k in (3, 5):
        label = np.concatenate([np.arange(k), g.integers(0, k, 120 - k)])
        P = softmax(1.2 * np.eye(k)[label] + g.standard_normal((120, k)))
        add(f"multiclass{k}.plain", multiclass_metrics, label, P)
        coarse = np.round(P * 5) + 0.5
        add(f"multiclass{k}.ties", multiclass_metrics, label, coarse / coarse.sum(1, keepdims=True))
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "ridge.safetensors", make_ridge())
    write(options.out / "logistic.safetensors", make_logistic())
    write(options.out / "metrics.safetensors", make_metrics())
    print("scikit-learn", sklearn.__version__, "numpy", np.__version__, "scipy", scipy.__version__)


if __name__ == "__main__":
    main()
