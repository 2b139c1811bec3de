// SPDX-License-Identifier: Apache-2.0
// The main job, dnalm-evaluate on the bundled data, on a real GPU beside the CPU.
#include <cmath>
#include <map>
#include <sstream>
#include <string>

#include <support/catch.hpp>

#include "../programs/workbench.hpp"

namespace {

/// Values of results.tsv by the six columns that name them.
std::map<std::string, double> values_of(const std::string& folder) {
  std::map<std::string, double> values;
  std::istringstream lines(workbench::content(folder + "/results.tsv"));
  std::string line;
  std::getline(lines, line);
  REQUIRE(line.rfind("model\tlayer\tpooling\tprobe\ttarget\tmetric\tvalue\t", 0) == 0);
  while (std::getline(lines, line)) {
    std::size_t end = 0;
    for (int c = 0; c < 6; ++c) end = line.find('\t', end) + 1;
    values[line.substr(0, end)] = std::stod(line.substr(end));
  }
  return values;
}

std::map<std::string, double> evaluate(const workbench::scratch& dir, const std::string& device,
                                       const std::string& more) {
  const std::string data = DNALM_SOURCE_DIR "/examples/data/";
  const std::string out = dir / device;
  const auto result =
      workbench::run("dnalm-evaluate --quiet --model " + data + "models/dnalm-yeast-human-nt2 --data " +
                     data + "wtc11.tsv.gz --bootstrap 0 --out " + out + " --device " + device + more);
  INFO(result.err);
  REQUIRE(result.code == 0);
  return values_of(out);
}

void check_close(const std::map<std::string, double>& cpu, const std::map<std::string, double>& gpu,
                 double bound) {
  REQUIRE(cpu.size() >= 20);
  REQUIRE(cpu.size() == gpu.size());
  for (const auto& [key, value] : cpu) {
    INFO(key << value);
    REQUIRE(gpu.count(key) == 1);
    CHECK(std::abs(gpu.at(key) - value) <= bound);
  }
}

}  // namespace

TEST_CASE("gpu: dnalm-evaluate on the bundled data is within 0.002 of the CPU's metrics", "[gpu][evaluate]") {
  const workbench::scratch dir;
  check_close(evaluate(dir, "cpu", ""), evaluate(dir, "cuda", ""), 0.002);
}
