# %% [markdown]
# # 同一层 CT，为什么换一个窗才看得见？
# 三个插件里各藏着几个小圆柱。眼睛只能分辨几十级灰度，CT 值（CT number）却有上千级：
# 请用窗宽（window width）与窗位（window level）把它们找出来。

# %%
import os

import ipywidgets
from IPython.display import HTML, display

from courses.cases import library
from courses.imaging import window_level as lab
from courses.open_field import OpenField, may_open
from courses.steps import Steps
from courses.tasks import Evaluation, TaskCard, Verdict
from widgets.dicom_viewer import DicomViewer
from widgets.volume import Volume

cases = library()
scan = cases.open("phantom-ct")
viewer = DicomViewer(scan, index=6, tool="window")
viewer.layout.flex, viewer.layout.min_width = "1 1 34rem", "0"


def on_phantom(check):
    """Judge only what was set and measured on the phantom."""
    if viewer.series["id"] != scan.id:
        return Verdict(False, "任务针对 CT 模体：请在“呈现任务”里把病例换回 CT 模体。")
    return check()


# %%
design = ipywidgets.HTML("""
<h3>设计任务</h3>
<p><b>问题：</b>监视器只有 256 级灰度，CT 值却从 −1000 到 +3000。应把这 256 级给谁？</p>
<p><b>CT 值</b>（CT number，单位 HU）由线性衰减系数 μ 定义：<br>
CT 值 = 1000 × (μ − μ<sub>水</sub>) ÷ (μ<sub>水</sub> − μ<sub>空气</sub>)，<br>所以水为 0，空气为 −1000。</p>
<p><b>窗位</b>是灰阶中心对应的 CT 值，<b>窗宽</b>是从全黑到全白的范围：窗位 ± 窗宽/2 之外不再有层次。</p>
<p>先想一想：看肺、看骨、看脑，窗位各应放在哪里？哪一个窗宽应最窄？</p>
""")

choice = ipywidgets.Dropdown(options=[(case.meta()["title"]["zh"], case.id) for case in cases.list()], value=scan.id)
choice.observe(lambda change: viewer.load(cases.open(change["new"])), names="value")
present = ipywidgets.VBox(
    [
        ipywidgets.HTML("""
<h3>呈现任务</h3>
<p>左侧（手机上为上方）是一个<b>合成的</b> CT 模体，共 40 层：第 1～24 层是密度插件，第 25～40 层是斜放的棒与线对。</p>
<ul><li>翻层：滚轮或层面滑块。</li><li>调窗：选“窗宽窗位”拖动，左右改窗宽、上下改窗位；或点下方预设窗。</li>
<li>测量：“椭圆”量平均 CT 值，“长度”量距离。键盘按 <kbd>?</kbd> 看全部按键。</li></ul>
<p>插件（从正上方顺时针）：空气、肺、脂肪、肌肉、对比剂、骨、<b>未知</b>、脑。</p>"""),
        ipywidgets.HBox([ipywidgets.Label("病例"), choice]),
    ]
)

# %%
where = {
    "window-lung": "右上方的肺插件（lung）",
    "window-bone": "左下方的骨插件（bone）",
    "window-brain": "左上方的脑插件（brain）",
}


def window_card(task_id, number):
    """A task that asks for a window and for what it reveals."""
    task = lab.WINDOWS[task_id]
    count = ipywidgets.Dropdown(options=[("请选择", None), *((str(n), n) for n in range(1, 7))], description="圆柱个数")
    prompt = f"调到适合的{task.name}，数出{where[task_id]}里的小圆柱，保持这个窗并提交。"
    return TaskCard(
        task_id,
        f"任务 {number}　{task.name}",
        prompt,
        lambda: on_phantom(lambda: lab.check_window(task, viewer.window or scan.windows[0][1:], count.value)),
        count,
    )


windows = [window_card(task_id, number) for number, task_id in enumerate(lab.WINDOWS, 1)]

fat = TaskCard(
    "hu-fat",
    "任务 4　测量 CT 值",
    "用“椭圆”在正右方的脂肪插件（fat）内画感兴趣区（ROI），不要碰到边缘，然后提交。",
    lambda: on_phantom(
        lambda: lab.check_hu(
            viewer.measurements,
            scan,
            "fat",
            "脂肪的 μ 比水小约 10%，按定义约为 −100 HU。单个像素受噪声影响，所以取区域的平均值，并报告标准差（SD）。",
        )
    ),
)
rod = TaskCard(
    "length-rod",
    "任务 5　测量长度",
    "翻到第 25～40 层，用“长度”量出斜放的亮棒全长，然后提交。",
    lambda: on_phantom(lambda: lab.check_rod(viewer.measurements, scan)),
)
answer = ipywidgets.RadioButtons(options=list(lab.MATERIALS.items()), value=None)
answer.layout.width = "auto"
unknown = TaskCard(
    "unknown",
    "任务 6　它是什么？",
    "回到第 1～24 层，用“椭圆”量出正左方未知插件的平均 CT 值，再选择最符合的一项。",
    lambda: on_phantom(lambda: lab.check_unknown(viewer.measurements, scan, answer.value)),
    answer,
)

# %%
cards = [*windows, fat, rod, unknown]
review = ipywidgets.VBox(
    [
        ipywidgets.HTML(
            "<h3>评价任务</h3><p>看看完成了几项；没有通过的可以回去再做。再想一想：同一个窗能否同时看清肺与骨？</p>"
        ),
        Evaluation(*cards),
        ipywidgets.HTML("""<p><b>资料来源：</b>
Hounsfield, Br J Radiol 1973;46:1016（CT 值）；
Kalender, Computed Tomography, 3rd ed. 2011；
DenOtter & Schubert, Hounsfield Unit, StatPearls 2023（组织的 CT 值）；
Prokop & Galanski, Spiral and Multislice CT 2003（常用窗）；
DICOM PS3.3 C.11.2.1.2（窗的算法）。模体为计算所得，不是患者影像。</p>"""),
    ]
)
steps = Steps(
    [
        ("设计任务", design),
        ("呈现任务", present),
        *((str(number), card) for number, card in enumerate(cards, 1)),
        ("评价任务", review),
    ]
)
steps.layout.flex, steps.layout.min_width = "1 1 22rem", "0"
bench = ipywidgets.HBox([viewer, steps])
bench.layout.flex_flow, bench.layout.align_items, bench.layout.grid_gap = "row wrap", "flex-start", "16px"
# picture, slice slider and presets together on a screen of 768 pixels
display(HTML("<style>:root { --xv-stage-height: clamp(280px, calc(100vh - 400px), 640px); }</style>"), bench)

# %%
display(Volume(lambda: viewer.source))

# %%
if may_open(os.environ):

    def show(series):
        """Take a new case into the list and show it."""
        choice.options = [(case.meta()["title"]["zh"], case.id) for case in cases.list()]
        choice.value = series.id

    display(OpenField(cases, show))
