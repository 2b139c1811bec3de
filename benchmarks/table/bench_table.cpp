// SPDX-License-Identifier: Apache-2.0
// Joins the JSON documents of benchmark programs and peers into one, and prints the table.
//
//   bench_table [--out results.json] [--clock cpu] [--set KEY=VALUE ...] FILE ...
//   bench_table --compare [--out results.json] --base BASE_FILE ... --new NEW_FILE ...
//
// A line per case and peer: rows of the same case by `dnalm` and by others. The ratio is the peer's time over
// ours. Clocks: `cpu` is processor time per thread, which other work on the machine does not lengthen; `wall`
// counts where threads wait. With --compare: the old median over the new one. A row's `note` stands where its
// peers would. Below the table: ratios that have a bar (`over_forward_bar`), documents with `missing`, and
// peers in float whose `sample` is not ours.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <exception>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../support/clock.hpp"

namespace {

using nlohmann::json;

json read_document(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file);
  json document = json::parse(in, nullptr, false);
  if (!document.is_object()) throw std::runtime_error("not a JSON document of a benchmark: " + file);
  return document;
}

/// Rows of all documents, with the repetitions of rows of the same case and engine put together.
class row_table {
 public:
  void add(const json& document) {
    if (!document.contains("rows")) return;
    for (const json& row : document.at("rows")) {
      const std::string name = row.at("case").get<std::string>();
      if (rows_.count(name) == 0) order_.push_back(name);
      merge(rows_[name], row);
    }
  }
  [[nodiscard]] const std::vector<std::string>& order() const { return order_; }
  [[nodiscard]] const std::vector<json>& rows(const std::string& name) const { return rows_.at(name); }
  [[nodiscard]] const json* ours(const std::string& name) const {
    const auto found = rows_.find(name);
    if (found == rows_.end()) return nullptr;
    for (const json& row : found->second) {
      if (row.at("who") == "dnalm") return &row;
    }
    return nullptr;
  }

 private:
  static void merge(std::vector<json>& known, const json& row) {
    for (json& other : known) {
      if (other.at("who") != row.at("who")) continue;
      for (const std::string clock : {"wall", "cpu"}) {
        json& times = other.at(clock + "_seconds");
        for (const json& value : row.at(clock + "_seconds")) times.push_back(value);
        const double middle = dnalm_bench::median(times.get<std::vector<double>>());
        other["median_" + clock] = middle;
        if (other.contains("floor_seconds") && middle > 0) {
          other["share_" + clock] = other.at("floor_seconds").get<double>() / middle;
        }
      }
      return;
    }
    known.push_back(row);
  }

  std::vector<std::string> order_;
  std::map<std::string, std::vector<json>> rows_;
};

std::string number(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

/// 10^9 operations or bytes a second, or seconds where neither is known.
std::string speed(const json& row, double seconds) {
  const double work = row.value("work", 0.0);
  if (work <= 0 || seconds <= 0) return number(seconds, 4) + " s";
  return number(work / seconds / 1e9, 1) + (row.value("unit", "flop") == "flop" ? " GFLOP/s" : " GB/s");
}

/// Rates are per thread where the clock is processor time per thread: the work of all threads in that time.
class table_printer {
 public:
  explicit table_printer(std::string clock) : clock_("median_" + clock), share_("share_" + clock) {}

  void header() const {
    line("case", "seconds", "dnalm", "share", "peer", "peer's", "ratio");
    line("----", "-------", "-----", "-----", "----", "------", "-----");
  }
  void print(const std::string& name, const row_table& table) const {
    const json* ours = table.ours(name);
    std::vector<json> peers;
    for (const json& row : table.rows(name)) {
      if (row.at("who") != "dnalm") peers.push_back(row);
    }
    std::sort(peers.begin(), peers.end(),
              [&](const json& a, const json& b) { return a.at(clock_) < b.at(clock_); });
    const double mine = ours == nullptr ? 0 : ours->at(clock_).get<double>();
    const std::string share = ours != nullptr && ours->contains(share_)
                                  ? number(100 * ours->at(share_).get<double>(), 1) + " %"
                                  : "";
    const std::string own_seconds = ours == nullptr ? "" : number(mine, mine < 0.1 ? 6 : 3);
    const std::string own_speed = ours == nullptr ? "" : speed(*ours, mine);
    const std::string note = ours == nullptr ? "" : ours->value("note", "");
    if (peers.empty()) line(name, own_seconds, own_speed, share, note, "", "");
    for (std::size_t i = 0; i < peers.size(); ++i) {
      const double theirs = peers[i].at(clock_).get<double>() * scale(ours, peers[i]);
      const std::string ratio = mine > 0 ? number(theirs / mine, 2) : "";
      const bool first = i == 0;
      line(first ? name : "", first ? own_seconds : "", first ? own_speed : "", first ? share : "",
           peers[i].at("who").get<std::string>(), number(theirs, theirs < 0.1 ? 6 : 3), ratio);
    }
  }

 private:
  /// A peer that ran fewer sequences of the same kind: its time is brought to our amount of work.
  static double scale(const json* ours, const json& peer) {
    if (ours == nullptr) return 1;
    const double mine = ours->value("work", 0.0);
    const double theirs = peer.value("work", 0.0);
    return mine > 0 && theirs > 0 ? mine / theirs : 1;
  }
  static void line(const std::string& a, const std::string& b, const std::string& c, const std::string& d,
                   const std::string& e, const std::string& f, const std::string& g) {
    std::cout << std::left << std::setw(48) << a << std::right << std::setw(11) << b << std::setw(16) << c
              << std::setw(9) << d << "  " << std::left << std::setw(40) << e << std::right << std::setw(11)
              << f << std::setw(8) << g << "\n";
  }

  std::string clock_;
  std::string share_;
};

/// The program, and the case where the document names one.
std::string origin(const json& document) {
  const std::string name = document.value("case", "");
  return document.value("program", "a peer") + (name.empty() ? "" : ", " + name);
}

void print_missing(const std::vector<json>& documents) {
  for (const json& document : documents) {
    if (!document.contains("missing")) continue;
    std::cout << "missing: " << origin(document) << ": " << document.at("missing").get<std::string>() << "\n";
  }
}

/// Largest difference of two rows' samples over the largest number of ours, or over the largest gradient;
/// nothing where a row has no sample.
std::optional<double> sample_gap(const json& ours, const json& other) {
  if (!ours.contains("sample") || !other.contains("sample")) return std::nullopt;
  const auto a = ours.at("sample").get<std::vector<double>>();
  const auto b = other.at("sample").get<std::vector<double>>();
  if (a.empty() || a.size() != b.size()) return std::nullopt;
  double largest = ours.value("largest_gradient", 0.0);
  double gap = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    gap = std::max(gap, std::abs(a[i] - b[i]));
  }
  return largest > 0 ? gap / largest : gap;
}

/// Samples of float rows agree to 1e-4; where not, the peer computed something else.
void print_disagreements(const row_table& table) {
  constexpr double bound = 1e-4;
  for (const std::string& name : table.order()) {
    const json* ours = table.ours(name);
    if (ours == nullptr || name.find("/f32/") == std::string::npos) continue;
    for (const json& row : table.rows(name)) {
      const std::optional<double> gap = sample_gap(*ours, row);
      if (!gap || *gap <= bound) continue;
      std::cout << "not the same numbers: " << name << ", " << row.at("who").get<std::string>() << ": off by "
                << *gap << " of the largest\n";
    }
  }
}

/// Of a row with a bar: its median over that of our row `over_case`, of all repetitions, in one clock.
std::optional<double> ratio_with_bar(const row_table& table, const json& row, const std::string& clock) {
  if (!row.contains("over_forward_bar")) return std::nullopt;
  const json* forward = table.ours(row.at("over_case").get<std::string>());
  const double below = forward == nullptr ? 0 : forward->at("median_" + clock).get<double>();
  if (below <= 0) return std::nullopt;
  return row.at("median_" + clock).get<double>() / below;
}

void print_bars(const row_table& table, const std::string& clock) {
  for (const std::string& name : table.order()) {
    for (const json& row : table.rows(name)) {
      const std::optional<double> ratio = ratio_with_bar(table, row, clock);
      if (!ratio) continue;
      const double bar = row.at("over_forward_bar").get<double>();
      std::cout << "bar: " << name << " takes " << number(*ratio, 2) << " x "
                << row.at("over_case").get<std::string>() << ", at most " << number(bar, 2) << ": "
                << (*ratio <= bar ? "met" : "not met") << "\n";
    }
  }
}

void write_result(const std::string& file, const json& result) {
  if (file.empty()) return;
  std::ofstream out(file);
  out << result.dump(1) << "\n";
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

json joined(const row_table& table, const std::string& clock) {
  json rows = json::array();
  for (const std::string& name : table.order()) {
    for (const json& row : table.rows(name)) {
      rows.push_back(row);
      const std::optional<double> ratio = ratio_with_bar(table, row, clock);
      if (!ratio) continue;
      rows.back()["over_forward"] = *ratio;
      rows.back()["over_forward_met"] = *ratio <= row.at("over_forward_bar").get<double>();
    }
  }
  return rows;
}

struct arguments {
  std::vector<std::string> files;
  std::vector<std::string> base;
  std::vector<std::string> fresh;
  std::vector<std::string> settings;
  std::string out;
  std::string clock = "cpu";
  bool compare = false;
};

json about(const std::vector<json>& documents, const arguments& a) {
  json result;
  for (const json& document : documents) {
    const std::string program = document.value("program", "?");
    if (document.contains("machine") && !result.contains("machine"))
      result["machine"] = document.at("machine");
    if (document.contains("versions")) result["peers"][program] = document.at("versions");
    if (document.contains("missing")) result["missing"][origin(document)] = document.at("missing");
  }
  for (const std::string& setting : a.settings) {
    const std::size_t at = setting.find('=');
    if (at == std::string::npos) throw std::invalid_argument("KEY=VALUE expected: " + setting);
    result[setting.substr(0, at)] = setting.substr(at + 1);
  }
  return result;
}

void join(const arguments& a) {
  std::vector<json> documents;
  row_table table;
  for (const std::string& file : a.files) {
    documents.push_back(read_document(file));
    table.add(documents.back());
  }
  const table_printer printer(a.clock);
  printer.header();
  for (const std::string& name : table.order()) printer.print(name, table);
  print_bars(table, a.clock);
  print_missing(documents);
  print_disagreements(table);
  json result = about(documents, a);
  result["rows"] = joined(table, a.clock);
  write_result(a.out, result);
}

void compare(const arguments& a) {
  row_table base;
  row_table fresh;
  std::vector<json> documents;
  for (const std::string& file : a.base) {
    documents.push_back(read_document(file));
    base.add(documents.back());
  }
  for (const std::string& file : a.fresh) {
    documents.push_back(read_document(file));
    fresh.add(documents.back());
  }
  std::cout << std::left << std::setw(52) << "case" << std::right << std::setw(12) << "base s"
            << std::setw(12) << "new s" << std::setw(11) << "base/new"
            << "\n";
  json result = about(documents, a);
  result["rows"] = json::array();
  for (const std::string& name : fresh.order()) {
    const json* before = base.ours(name);
    const json* after = fresh.ours(name);
    if (after == nullptr) continue;
    const double b = before == nullptr ? 0 : before->at("median_" + a.clock).get<double>();
    const double n = after->at("median_" + a.clock).get<double>();
    std::cout << std::left << std::setw(52) << name << std::right << std::setw(12)
              << (b > 0 ? number(b, 6) : "none") << std::setw(12) << number(n, 6) << std::setw(11)
              << (b > 0 && n > 0 ? number(b / n, 3) : "") << "\n";
    result["rows"].push_back(
        {{"case", name}, {"base", before == nullptr ? json() : *before}, {"new", *after}});
  }
  print_missing(documents);
  write_result(a.out, result);
}

}  // namespace

int main(int argc, char** argv) try {
  arguments a;
  CLI::App app("Joins results and prints the table");
  app.add_option("files", a.files, "documents");
  app.add_option("--base", a.base, "documents of the old revision");
  app.add_option("--new", a.fresh, "documents of the new one");
  app.add_flag("--compare", a.compare, "two revisions");
  app.add_option("--out", a.out, "joined document");
  app.add_option("--clock", a.clock, "cpu or wall")->check(CLI::IsMember({"cpu", "wall"}));
  app.add_option("--set", a.settings, "KEY=VALUE of the joined document")->allow_extra_args(false);
  CLI11_PARSE(app, argc, argv);
  if (a.compare) {
    compare(a);
  } else {
    join(a);
  }
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
