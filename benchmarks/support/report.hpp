// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of results, printed as one JSON document; docs/benchmarks.md has the fields.
#pragma once

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "clock.hpp"
#include "machine.hpp"

namespace dnalm_bench {

/// One case, measured by one engine.
struct result_row {
  std::string name = {};      ///< of the case; peers that do the same work carry the same name
  std::string who = "dnalm";  ///< the engine and its setting
  int threads = 1;
  double work = 0;            ///< of one repetition
  std::string unit = "flop";  ///< of the work; the rate is printed in 10^9 of it a second
  double floor_seconds = 0;   ///< what the measured peak allows; 0: no floor is stated
  std::string floor = {};     ///< what the floor is
  nlohmann::json more = nlohmann::json::object();  ///< further fields
};

/// Collects rows and prints them.
class report {
 public:
  explicit report(const std::string& program) {
    document_["program"] = program;
    document_["machine"] = describe_machine();
    document_["rows"] = nlohmann::json::array();
  }

  void add(const result_row& row, const repetitions& times) {
    nlohmann::json entry = row.more;
    entry["case"] = row.name;
    entry["who"] = row.who;
    entry["threads"] = row.threads;
    entry["work"] = row.work;
    entry["unit"] = row.unit;
    entry["wall_seconds"] = times.wall;
    entry["cpu_seconds"] = times.cpu;
    const double wall = median(times.wall);
    const double cpu = median(times.cpu);
    entry["median_wall"] = wall;
    entry["median_cpu"] = cpu;
    entry["load"] = load_average();
    if (row.floor_seconds > 0) {
      entry["floor_seconds"] = row.floor_seconds;
      entry["floor"] = row.floor;
      entry["share_wall"] = wall > 0 ? row.floor_seconds / wall : 0;
      entry["share_cpu"] = cpu > 0 ? row.floor_seconds / cpu : 0;
    }
    document_["rows"].push_back(std::move(entry));
  }
  /// A value without repetitions.
  void set(const std::string& key, nlohmann::json value) { document_[key] = std::move(value); }

  void print() const { std::cout << document_.dump(1) << std::endl; }

 private:
  nlohmann::json document_;
};

}  // namespace dnalm_bench
