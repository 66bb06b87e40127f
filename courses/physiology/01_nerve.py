# %% [markdown]
# # 神经干动作电位（nerve action potential）
#
# **多强、多长的刺激才能让神经兴奋？紧接着再刺激一次，它还会兴奋吗？** 拖动滑块，曲线立即随之改变。

# %%
import html

import ipywidgets as w
import numpy as np

from courses.models import nerve
from courses.steps import Steps
from courses.tasks import Evaluation, TaskCard, Verdict, within
from widgets.trace import Axis, Trace

STANDARD = nerve.Bath()
LENGTH_MS = 30.0


def slider(kind, text, **options):
    return kind(description=text, layout={"width": "auto"}, **options)


strength = slider(w.FloatSlider, "刺激强度 (μA/cm²)", value=20, min=0, max=80, step=0.1, readout_format=".1f")
duration = slider(w.SelectionSlider, "刺激时程 (ms)", value=0.5, options=[0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
interval = slider(w.FloatSlider, "双刺激间隔 (ms)", value=0, min=0, max=25, step=0.1, readout_format=".1f")
celsius = slider(w.FloatSlider, "温度 (°C)", value=nerve.REFERENCE_C, min=4.3, max=22.3, step=0.5, readout_format=".1f")
sodium = slider(w.IntSlider, "胞外 [Na⁺] (mmol/L)", value=440, min=100, max=500, step=10)
potassium = slider(w.IntSlider, "胞外 [K⁺] (mmol/L)", value=20, min=5, max=80, step=1)
reset = w.Button(description="恢复标准条件")
trace = Trace(Axis("时间", "ms", 0, LENGTH_MS), Axis("膜电位（静息＝0）", "mV", -20, 120), ["膜电位"])
says = w.HTML()
controls = (strength, duration, interval, celsius, sodium, potassium)


def bath():
    return nerve.Bath(celsius.value, sodium.value, potassium.value)


def stimulus():
    return nerve.Stimulus(strength.value, duration.value, interval.value)


def show(_change=None):
    pulse = stimulus()
    response = nerve.respond(pulse, bath(), LENGTH_MS)
    starts = [pulse.onset] + ([pulse.onset + pulse.interval] if pulse.interval else [])
    peak = int(np.argmax(response.v))
    marks = [(response.times[peak], response.v[peak], f"{response.v[peak]:.1f} mV")] if response.spikes else []
    trace.show(response.times, [response.v], [(start, start + pulse.duration) for start in starts], marks)
    text = f"引起 {response.spikes} 个动作电位" if response.spikes else "没有引起动作电位，只有局部电位"
    says.value = (
        f'<div role="status">{text}；静息电位 {response.rest:+.1f} mV，幅度 {response.amplitude:.1f} mV。</div>'
    )


def restore(_button=None):
    values = (20, 0.5, 0, nerve.REFERENCE_C, 440, 20)
    for control, value in zip(controls, values, strict=True):
        control.value = value


for control in controls:
    control.observe(show, "value")
reset.on_click(restore)
show()
panel = w.VBox([*controls, reset])
panel.add_class("xl-controls")
bench = w.VBox([trace, says, panel])
bench.add_class("xl-bench")
bench.layout.flex, bench.layout.min_width = "1 1 34rem", "0"

# %%
design = w.HTML("""
<h3>设计任务</h3>
<p>用一根轴突回答三个问题：</p>
<ul><li>兴奋需要多强的刺激？（阈强度，threshold）</li><li>强度与时程怎样互相替代？（强度—时程曲线）</li>
<li>兴奋之后多久才能再次兴奋？（不应期，refractory period）</li></ul>
<p>再看细胞外离子如何改变这些结果。先想一想：刺激加倍，动作电位也会加倍吗？</p>
""")
present = w.HTML("""
<h3>呈现任务</h3>
<p>曲线由 Hodgkin 与 Huxley 1952 年的枪乌贼巨轴突模型实时算出，电位以静息电位为 0，去极化为正；黄色条带是刺激的时程。</p>
<p>拖动滑块改变条件，也可以直接点读数输入数值。点按曲线，或选中曲线后用方向键，可以读出任一时刻的电位。</p>
<p>真实的神经干由许多阈值不同的纤维组成，其复合动作电位（compound action potential）随刺激增强而增大；
这里是一根纤维，因此遵循“全或无”（all-or-none）。</p>
""")


# %%
def not_standard(*, pulse_ms):
    """What must be put right before the threshold is sought, or None."""
    if bath() != STANDARD:
        return "请先点“恢复标准条件”，再调刺激。"
    if interval.value:
        return "请把双刺激间隔调到 0，只给一个刺激。"
    return None if duration.value == pulse_ms else f"请把刺激时程调到 {pulse_ms} ms。"


def check_threshold():
    if problem := not_standard(pulse_ms=0.5):
        return Verdict(False, problem)
    why = "阈强度是刚好引起动作电位的最小强度；低于它只有局部电位，高于它动作电位的幅度几乎不变。"
    return within(strength.value, round(nerve.threshold(0.5, STANDARD), 1), 0.3, "μA/cm²", why=why)


threshold_card = TaskCard(
    "threshold",
    "任务 1　阈强度",
    "标准条件（6.3 °C）下，单个时程 0.5 ms 的刺激。把“刺激强度”调到刚好引起动作电位的最小值，然后提交。",
    check_threshold,
)

# %%
DURATIONS = np.geomspace(0.1, 10, 25)
curve = Trace(Axis("刺激时程", "ms", 0, 10), Axis("阈强度", "μA/cm²", 0, 40), ["强度—时程曲线"])
curve.show(DURATIONS, [np.array([nerve.threshold(float(ms), STANDARD) for ms in DURATIONS])])
rheobase_answer = w.FloatText(description="基强度 (μA/cm²)", style={"description_width": "130px"})
chronaxie_answer = w.FloatText(description="时值 (ms)", style={"description_width": "130px"})


def check_strength_duration():
    base, double = nerve.rheobase(STANDARD), nerve.chronaxie(STANDARD)
    first = within(
        rheobase_answer.value, round(base, 1), 0.2, "μA/cm²", why="基强度是时程足够长时的阈强度，即曲线右端的平台。"
    )
    second = within(chronaxie_answer.value, round(double, 1), 0.2, "ms", why="时值是强度为基强度两倍时所需的时程。")
    return Verdict(
        first.correct and second.correct,
        f"基强度：{first.message}　时值：{second.message}",
        [rheobase_answer.value, chronaxie_answer.value],
    )


strength_duration_card = TaskCard(
    "strength-duration",
    "任务 2　基强度（rheobase）与时值（chronaxie）",
    "下图是标准条件下的强度—时程曲线。移动光标读出基强度（以 10 ms 的阈强度为准），再找出强度为其两倍处的时程。",
    check_strength_duration,
    curve,
    rheobase_answer,
    chronaxie_answer,
)

# %%
TEST_STRENGTH = 27.0  # twice the threshold at 0.5 ms
refractory_answer = w.FloatText(description="最短间隔 (ms)", style={"description_width": "130px"})


def check_refractory():
    expected = nerve.refractory_period(TEST_STRENGTH, 0.5, STANDARD)
    why = "第一个动作电位之后钠通道失活、钾电导增大：间隔再短，同样强的第二个刺激便不能引起动作电位；加大强度可使间隔缩短（相对不应期）。"
    return within(refractory_answer.value, round(expected, 1), 0.4, "ms", why=why)


refractory_card = TaskCard(
    "refractory",
    "任务 3　不应期",
    "标准条件下，给两个时程 0.5 ms、强度 27 μA/cm²（约两倍阈强度）的刺激。改变间隔，找出第二个刺激也能引起动作电位的最短间隔。",
    check_refractory,
    refractory_answer,
)

# %%
sodium_answer = w.FloatText(description="幅度 (mV)", style={"description_width": "130px"})


def check_sodium():
    low = nerve.respond(nerve.Stimulus(30.0, 0.5), nerve.Bath(sodium=220.0))
    fall = STANDARD.e_na - nerve.Bath(sodium=220.0).e_na
    why = f"[Na⁺] 减半使钠平衡电位降低 {fall:.1f} mV（Nernst 公式），动作电位的峰值接近它，因而幅度下降，静息电位几乎不变。"
    return within(sodium_answer.value, round(low.amplitude, 0), 2.0, "mV", why=why)


sodium_card = TaskCard(
    "sodium",
    "任务 4　细胞外钠与动作电位幅度",
    "把细胞外 [Na⁺] 减到 220 mmol/L，其余恢复标准条件，给强度 30 μA/cm²、时程 0.5 ms 的单个刺激。动作电位的幅度是多少？",
    check_sodium,
    sodium_answer,
)

# %%
CHOICES = {
    "静息电位去极化，钠通道失活，动作电位不能产生": True,
    "静息电位超极化，离阈电位更远，需要更强的刺激": False,
    "钠平衡电位降低，动作电位变小但仍能产生": False,
    "钾通道关闭，动作电位变得更宽更高": False,
}
potassium_answer = w.RadioButtons(options=list(CHOICES), index=None, layout={"width": "100%"})


def check_potassium():
    if potassium_answer.value is None:
        return Verdict(False, "请先选择一项。")
    rest = nerve.resting_potential(nerve.Bath(potassium=60.0))
    why = f"[K⁺] 升到 60 mmol/L 时，静息电位去极化 {rest:.0f} mV，钠通道的失活门（h）关闭，刺激再强也不能引起动作电位（去极化阻滞）。"
    correct = CHOICES[potassium_answer.value]
    return Verdict(correct, ("正确。" if correct else "还不对，请在曲线上试一试。") + why, potassium_answer.value)


potassium_card = TaskCard(
    "potassium",
    "任务 5　高钾与兴奋性",
    "把细胞外 [K⁺] 升到 60 mmol/L，逐渐加大刺激强度。怎样解释所见？",
    check_potassium,
    potassium_answer,
)

# %%
m, h, n = (float(aim[0]) for aim, _speed in nerve.gates(np.array([0.0])))
ROWS = [
    ("静息时的激活变量 m", f"{m:.4f}", "0.0529"),
    ("静息时的失活变量 h", f"{h:.4f}", "0.5961"),
    ("静息时的激活变量 n", f"{n:.4f}", "0.3177"),
    ("瞬时电击的阈值，6.3 °C（mV）", f"{nerve.threshold_shift(STANDARD):.1f}", "6 与 7 之间"),
    ("传导速度，18.5 °C（m/s）", f"{nerve.conduction_velocity(18.5):.1f}", "计算 18.8，实测 21.2"),
]
body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in ROWS)
paper = w.HTML(
    "<h4>模型与论文对照</h4>"
    f"<table><thead><tr><th>量</th><th>本模型</th><th>论文</th></tr></thead><tbody>{body}</tbody></table>"
    "<p>Hodgkin AL, Huxley AF. J Physiol 1952;117:500–544。轴突半径 238 μm，轴浆电阻率 35.4 Ω·cm。</p>"
)

# %%
cards = [threshold_card, strength_duration_card, refractory_card, sodium_card, potassium_card]
steps = Steps(
    [
        ("设计任务", design),
        ("呈现任务", present),
        *((str(number), card) for number, card in enumerate(cards, 1)),
        ("评价任务", w.VBox([w.HTML("<h3>评价任务</h3>"), Evaluation(*cards), paper])),
    ]
)
steps.layout.flex, steps.layout.min_width = "1 1 22rem", "0"
whole = w.HBox([bench, steps])
whole.layout.flex_flow, whole.layout.align_items, whole.layout.grid_gap = "row wrap", "flex-start", "16px"
whole
