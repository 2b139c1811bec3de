// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: the device on which a method runs.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "workbench.hpp"

#include <support/attribution_device.hpp>
#include <support/catch.hpp>

using namespace workbench;

namespace {

/// What `work` writes to stderr.
template <class Work>
std::string errors_of(const Work& work) {
  const scratch dir;
  std::fflush(stderr);
  const int before = ::dup(2);
  const int file = ::open((dir / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ::dup2(file, 2);
  work();
  std::fflush(stderr);
  ::dup2(before, 2);
  ::close(file);
  ::close(before);
  return content(dir / "err");
}

}  // namespace

TEST_CASE("methods that no GPU has run on the CPU, all others where they were asked to", "[programs]") {
  for (const char* method : {"deep_lift_shap", "rollout"}) {
    for (const char* device : {"cpu", "cuda", "cuda:1"}) {
      CHECK(program::device_of_method(method, device) == "cpu");
    }
    const std::string told = errors_of([&] { program::tell_device(method, "cuda:1"); });
    CHECK(told == "dnalm-attribute: --method " + std::string(method) + " runs on the CPU, not on cuda:1: " +
                      std::string(program::reason_for_cpu(method)) + "\n");
    CHECK(told.find("GPU's backend") != std::string::npos);
    CHECK(errors_of([&] { program::tell_device(method, "cpu"); }) == "");
  }
  for (const char* method :
       {"saliency", "input_x_gradient", "smooth_grad", "integrated_gradients", "expected_gradients", "ism",
        "embedding_saliency", "entropy", "log_odds", "dependency", "global_importance"}) {
    for (const char* device : {"cpu", "cuda", "cuda:1"}) {
      CHECK(program::device_of_method(method, device) == device);
      CHECK(errors_of([&] { program::tell_device(method, device); }) == "");
    }
  }
}

TEST_CASE("a method that no GPU has says on which device it runs", "[programs]") {
  const scratch dir;
  write(dir / "s.fa", ">a\nACGTTGCAACGTGATAAGCC\n");
  const std::string command = "dnalm-attribute --model " DNALM_SOURCE_DIR
                              "/examples/data/models/dnalm-yeast-human-nt2 --method rollout --input " +
                              (dir / "s.fa") + " --output " + (dir / "x.npz") + " --device ";
  CHECK(run(command + "cpu").err.empty());
#if DNALM_PROGRAM_CUDA
  const auto there = run(command + "cuda:999999");  // which is not looked for
  CHECK(there.code == 0);
  CHECK(there.err.find("rollout runs on the CPU, not on cuda:999999") != std::string::npos);
#else
  CHECK(run(command + "cuda").id() == "dnalm.unsupported.700");
#endif
}
