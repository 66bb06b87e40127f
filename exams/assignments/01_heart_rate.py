# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown] nbgrader={"schema_version": 3, "grade_id": "title", "grade": false, "solution": false, "locked": true, "task": false}
# # 从 R 波到心率
#
# 心电图上相邻两个 R 波之间的时间是 RR 间期。由它可以算出心率，也可以看出心律是否整齐。
# 本练习用 Python 写出这几步；时间的单位是秒，心率的单位是次/分。
#
# 参考：《生理学》（人民卫生出版社）心脏的电活动；Task Force of the ESC and NASPE, Circulation 1996;93:1043-1065。

# %% nbgrader={"schema_version": 3, "grade_id": "imports", "grade": false, "solution": false, "locked": true, "task": false}
import math

import numpy as np

PEAKS = [0.42, 1.24, 2.05, 2.89, 3.70]  # 一段心电图上 R 波的时间

# %% [markdown]
# **1.** 写出 `rr_intervals(peaks)`：由 R 波的时间（升序）给出各个 RR 间期的列表。少于两个 R 波时引发 `ValueError`。


# %% nbgrader={"schema_version": 3, "grade_id": "rr", "grade": false, "solution": true, "locked": false, "task": false}
def rr_intervals(peaks):
    ### BEGIN SOLUTION
    if len(peaks) < 2:
        raise ValueError("两个 R 波之间才有间期")
    return [float(b - a) for a, b in zip(peaks, peaks[1:])]
    ### END SOLUTION


# %%
rr_intervals(PEAKS)

# %% nbgrader={"schema_version": 3, "grade_id": "rr-values", "grade": true, "solution": false, "locked": true, "points": 2, "task": false}
assert len(rr_intervals(PEAKS)) == 4
### BEGIN HIDDEN TESTS
assert np.allclose(rr_intervals([0.0, 0.8, 1.7]), [0.8, 0.9])
assert np.allclose(rr_intervals(np.array([1.0, 1.5])), [0.5])
for rr in (0.4, 0.75, 1.2):
    assert np.allclose(rr_intervals([rr * beat for beat in range(5)]), [rr] * 4)
### END HIDDEN TESTS

# %% nbgrader={"schema_version": 3, "grade_id": "rr-too-few", "grade": true, "solution": false, "locked": true, "points": 1, "task": false}
### BEGIN HIDDEN TESTS
for few in ([], [0.5]):
    try:
        rr_intervals(few)
    except ValueError:
        continue
    raise AssertionError("少于两个 R 波时没有引发 ValueError")
### END HIDDEN TESTS

# %% [markdown]
# **2.** 写出 `mean_rate(peaks)`：平均心率，60 除以平均 RR 间期。请用 `rr_intervals`。


# %% nbgrader={"schema_version": 3, "grade_id": "rate", "grade": false, "solution": true, "locked": false, "task": false}
def mean_rate(peaks):
    ### BEGIN SOLUTION
    intervals = rr_intervals(peaks)
    return 60 / (sum(intervals) / len(intervals))
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade_id": "rate-values", "grade": true, "solution": false, "locked": true, "points": 2, "task": false}
assert 72 < mean_rate(PEAKS) < 75
### BEGIN HIDDEN TESTS
assert math.isclose(mean_rate([0.0, 0.8, 1.7]), 60 / 0.85)
assert math.isclose(mean_rate([2.0, 3.0, 4.0, 5.0]), 60.0)
### END HIDDEN TESTS

# %% nbgrader={"schema_version": 3, "grade_id": "rate-uses-rr", "grade": true, "solution": false, "locked": true, "points": 1, "task": false}
### BEGIN HIDDEN TESTS
kept = rr_intervals
del rr_intervals
try:
    mean_rate([0.0, 1.0, 2.0])
except NameError:
    pass
else:
    raise AssertionError("mean_rate 没有用 rr_intervals")
finally:
    rr_intervals = kept
### END HIDDEN TESTS

# %% [markdown]
# **3.** 写出 `rmssd(peaks)`：相邻 RR 间期之差的均方根，单位毫秒。心律越不整齐，它越大。


# %% nbgrader={"schema_version": 3, "grade_id": "variability", "grade": false, "solution": true, "locked": false, "task": false}
def rmssd(peaks):
    ### BEGIN SOLUTION
    differences = np.diff(rr_intervals(peaks)) * 1000
    return float(np.sqrt(np.mean(differences**2)))
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade_id": "variability-values", "grade": true, "solution": false, "locked": true, "points": 2, "task": false}
assert math.isclose(rmssd([0.0, 1.0, 2.0, 3.0]), 0.0, abs_tol=1e-9)
### BEGIN HIDDEN TESTS
assert math.isclose(rmssd([0.0, 0.8, 1.7]), 100.0, rel_tol=1e-6)
assert rmssd([0.0, 0.5, 1.6, 2.1]) > rmssd(PEAKS)
### END HIDDEN TESTS

# %% [markdown]
# **4.** 写出 `rhythm(rate)`：低于 60 为「过缓」，高于 100 为「过速」，其余为「正常」。边界值算正常。


# %% nbgrader={"schema_version": 3, "grade_id": "rhythm", "grade": false, "solution": true, "locked": false, "task": false}
def rhythm(rate):
    ### BEGIN SOLUTION
    if rate < 60:
        return "过缓"
    return "过速" if rate > 100 else "正常"
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade_id": "rhythm-values", "grade": true, "solution": false, "locked": true, "points": 4, "task": false}
### BEGIN HIDDEN TESTS
wanted = {45: "过缓", 59.9: "过缓", 60: "正常", 100: "正常"}
earned = 0.0
for rate in (45, 59.9, 60, 100):
    if rhythm(rate) == wanted[rate]:
        earned += 0.75
if rhythm(130) == "过速":
    earned += 1
earned
### END HIDDEN TESTS

# %% [markdown] nbgrader={"schema_version": 3, "grade_id": "meaning", "grade": true, "solution": true, "locked": false, "points": 2, "task": false}
# 深吸气时 RR 间期怎样变化？为什么？
# ### BEGIN SOLUTION
# 吸气时 RR 间期缩短、心率加快，呼气时相反：呼吸中枢和肺牵张感受器使迷走神经对窦房结的抑制随呼吸而变（呼吸性窦性心律不齐）。
# ### END SOLUTION
