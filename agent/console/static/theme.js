// Before anything is drawn: light or dark, as the operator chose it here.
const theme = localStorage.getItem("theme");
if (theme) document.documentElement.dataset.theme = theme;
