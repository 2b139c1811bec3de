// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the pages have in common: their look and how elements are written.
#pragma once

#include <string>
#include <string_view>

#include <dnalm/core/platform.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

inline std::string page_style() {
  return R"css(:root{color-scheme:light dark;--page:#f4f5f7;--card:#ffffff;--words:#1b1f24;--quiet:#57606a;--line:#dfe3e8;--accent:#0072b2;--soft:#e8f1f8}
@media (prefers-color-scheme:dark){:root{--page:#0d1014;--card:#15181d;--words:#e8edf2;--quiet:#9aa4af;--line:#2a3038;--accent:#56b4e9;--soft:#17242f}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--words);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:960px;margin:0 auto;padding:40px 20px 72px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}
h2{font-size:1.3rem;margin:0 0 4px}
h3{font-size:1rem;margin:22px 0 6px}
p{margin:8px 0}
.lead{color:var(--quiet);margin:0 0 24px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:24px;margin:18px 0}
.tiles{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}
.tile{flex:1 1 220px;border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.tile.first{background:var(--soft);border-color:transparent}
.tile b{display:block;font-size:1.7rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{display:block;color:var(--quiet);font-size:.86rem;overflow-wrap:anywhere}
.tile .what{color:var(--words);font-weight:600}
figure{margin:14px 0;overflow-x:auto}
figure svg{display:block;min-width:620px;width:100%}
details{margin:12px 0}
summary{cursor:pointer;color:var(--accent);font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:600;color:var(--quiet);border-bottom:2px solid var(--line);white-space:nowrap}
th,td{padding:6px 10px 6px 0;vertical-align:top}
td{border-bottom:1px solid var(--line)}
td.number,th.number{text-align:right;white-space:nowrap}
td.number small{color:var(--quiet);display:block}
tr.best td{background:var(--soft)}
tr.best td:first-child{box-shadow:inset 3px 0 var(--accent);padding-left:10px}
dl{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:6px 20px;margin:12px 0;font-size:.93rem}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere}
pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
pre{background:var(--page);border:1px solid var(--line);border-radius:8px;padding:12px 14px;white-space:pre-wrap;overflow-wrap:anywhere}
li{margin:5px 0}
footer{color:var(--quiet);font-size:.86rem;margin-top:24px}
@media print{body{background:#fff}section{break-inside:avoid;border-color:#ccc}}
)css";
}

inline std::string element(std::string_view name, std::string_view inside, std::string_view css_class = {}) {
  std::string text = "<" + std::string(name);
  if (!css_class.empty()) text.append(" class=\"").append(css_class).append("\"");
  return text.append(">").append(inside).append("</").append(name).append(">");
}

inline std::string fact(const std::string& name, const std::string& value) {
  return element("dt", escape_markup(name)) + element("dd", escape_markup(value)) + "\n";
}

/// A whole page: it loads nothing (a content policy forbids it) and needs no script. `title` and `style` are
/// markup.
inline std::string whole_page(const std::string& title, const std::string& style, const std::string& body) {
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n";
  page += element("title", title) + "\n";
  page += "<style>\n" + style + "</style>\n</head>\n<body>\n<main>\n";
  return page + body + "\n</main>\n</body>\n</html>\n";
}

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
