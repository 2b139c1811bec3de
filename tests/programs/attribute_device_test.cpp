// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: the device on which a method runs.
#include "workbench.hpp"

#include <support/attribution_device.hpp>
#include <support/catch.hpp>

using namespace workbench;

TEST_CASE("methods that no GPU has run on the CPU, all others where they were asked to", "[programs]") {
  for (const char* method : {"deep_lift_shap", "rollout"}) {
    for (const char* device : {"cpu", "cuda", "cuda:1"}) {
      CHECK(program::device_of_method(method, device) == "cpu");
    }
    CHECK_FALSE(program::reason_for_cpu(method).empty());
  }
  for (const char* method :
       {"saliency", "input_x_gradient", "smooth_grad", "integrated_gradients", "expected_gradients", "ism",
        "embedding_saliency", "entropy", "log_odds", "dependency", "global_importance"}) {
    for (const char* device : {"cpu", "cuda", "cuda:1"}) {
      CHECK(program::device_of_method(method, device) == device);
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
