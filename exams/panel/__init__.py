"""The panel 阅卷组: people who mark the answers that no rule marks, blind and each by themselves."""
