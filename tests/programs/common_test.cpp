// SPDX-License-Identifier: Apache-2.0
// What all programs have in common: help, versions, usage errors, what is not built in.
#include <dnalm/core/version.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using workbench::run;

namespace {

const std::vector<std::string> programs = {"dnalm-evaluate", "dnalm-embed", "dnalm-tokenize", "dnalm-inspect",
                                           "dnalm-convert"};

/// The arguments that each program must have.
std::string needed(const std::string& program) {
  if (program == "dnalm-evaluate") return program + " --model none --data none --out none";
  if (program == "dnalm-embed") return program + " --model none --input none --output none.npz";
  if (program == "dnalm-tokenize") return program + " --model none --input none";
  return program + " none";
}

}  // namespace

TEST_CASE("every program explains itself with examples and the options of the contract", "[programs]") {
  for (const auto& program : programs) {
    INFO(program);
    const auto help = run(program + " --help");
    REQUIRE(help.code == 0);
    REQUIRE(help.err.empty());
    REQUIRE(help.out.find("Examples:") != std::string::npos);
    for (const std::string option : {"--help", "--version", "--device", "--gpu-mode", "--precision",
                                     "--threads", "--seed", "--memory", "--quiet"}) {
      INFO(option);
      REQUIRE(help.out.find(option) != std::string::npos);
    }
    const auto version = run(program + " --version");
    REQUIRE(version.code == 0);
    REQUIRE(version.out == program + " " DNALM_VERSION_STRING "\n");
  }
}

TEST_CASE("a mistake on the command line is one line and exit code 2", "[programs]") {
  for (const auto& program : programs) {
    INFO(program);
    for (const std::string arguments : {"", " --nonsense", " --threads many", " --seed -1"}) {
      const auto result = run(program + arguments);
      REQUIRE(result.code == 2);
      REQUIRE(result.id() == "dnalm.usage.702");
      REQUIRE(result.err.rfind(program + ": error [", 0) == 0);
      REQUIRE(result.out.empty());
    }
    REQUIRE(run(needed(program) + " --memory lots").id() == "dnalm.usage.706");
    REQUIRE(run(needed(program) + " --memory .").id() == "dnalm.usage.706");
    REQUIRE(run(needed(program) + " --device tpu").id() == "dnalm.usage.707");
    REQUIRE(run(needed(program) + " --device cuda:x").code == 2);
    REQUIRE(run(needed(program) + " --gpu-mode quick").code == 2);
  }
}

#if DNALM_PROGRAM_CUDA
TEST_CASE("a GPU that is not there ends with exit code 5, and nothing falls back to the CPU", "[programs]") {
  for (const std::string program : {"dnalm-embed", "dnalm-evaluate"}) {
    const auto missing = run(needed(program) + " --device cuda:999999");
    REQUIRE(missing.code == 5);
    REQUIRE((missing.id() == "dnalm.device.603" || missing.id() == "dnalm.device.604" ||
             missing.id() == "dnalm.device.606"));
  }
}
#endif

TEST_CASE("what later releases bring ends with exit code 4 and names what is missing", "[programs]") {
  for (const auto& program : programs) {
    INFO(program);
#if !DNALM_PROGRAM_CUDA
    for (const std::string device : {"cuda", "cuda:1"}) {
      const auto cuda = run(needed(program) + " --device " + device);
      REQUIRE(cuda.code == 4);
      REQUIRE(cuda.id() == "dnalm.unsupported.700");
      REQUIRE(cuda.err.find("CUDA") != std::string::npos);
    }
#else
    const auto int8 = run(needed(program) + " --device cuda --precision int8");
    REQUIRE(int8.code == 4);
    REQUIRE(int8.id() == "dnalm.unsupported.726");
#endif
    const auto f8 = run(needed(program) + " --precision f8");
    REQUIRE(f8.code == 2);
    REQUIRE(f8.id() == "dnalm.usage.707");
  }
  for (const std::string option :
       {"--probe mlp", "--probe ridge,cnn", "--baseline cnn", "--baseline onehot,cnn"}) {
    INFO(option);
    const auto later = run(needed("dnalm-evaluate") + " " + option);
    REQUIRE(later.code == 4);
    REQUIRE(later.id() == "dnalm.unsupported.593");
  }
}

TEST_CASE("unknown words in lists are usage errors", "[programs]") {
  REQUIRE(run(needed("dnalm-evaluate") + " --probe lasso").id() == "dnalm.usage.592");
  REQUIRE(run(needed("dnalm-evaluate") + " --probe ridge,ridge").id() == "dnalm.usage.592");
  REQUIRE(run(needed("dnalm-evaluate") + " --baseline onehot,").id() == "dnalm.usage.592");
  REQUIRE(run(needed("dnalm-evaluate") + " --task guess").code == 2);
  REQUIRE(run(needed("dnalm-evaluate") + " --pool tokens").id() == "dnalm.usage.708");
  REQUIRE(run(needed("dnalm-evaluate") + " --pool median").code == 2);
  REQUIRE(run(needed("dnalm-embed") + " --layers first").code == 2);
}

TEST_CASE("paths that do not exist are bad input", "[programs]") {
  for (const auto& program : programs) {
    INFO(program);
    const auto result = run(needed(program));
    REQUIRE(result.code == 3);
    REQUIRE(result.id().rfind("dnalm.", 0) == 0);
    REQUIRE(result.err.find("none") != std::string::npos);
  }
}
