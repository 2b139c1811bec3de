// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute --logit: which of a model's own predictions is explained, and what the file says of it.
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/models/load_model.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

const std::string enformer = std::string(DNALM_GOLDEN_DIR) + "/supervised/enformer";

/// A sequence of 192 bases, and the program on it.
struct bench {
  bench() {
    dnalm::philox random(3, 1);
    for (int i = 0; i < 192; ++i) sequence += "ACGT"[random.below(4)];
    write(dir / "s.fa", ">s\n" + sequence + "\n");
  }
  [[nodiscard]] outcome attribute(const std::string& options, const std::string& method = "saliency") const {
    return run("dnalm-attribute --model " + enformer + " --input " + (dir / "s.fa") + " --output " +
               (dir / "x.npz") + " --html " + (dir / "p.html") + " --method " + method + " " + options);
  }
  [[nodiscard]] bool says(const std::string& words) const {
    const auto text = dnalm::io::npz_reader(dir / "x.npz").read("conventions").values<std::uint8_t>();
    return std::string(text.begin(), text.end()).find(words) != std::string::npos;
  }
  /// Whether the file has the gradients of this target.
  [[nodiscard]] bool holds(dnalm::index_t column, const dnalm::prediction_choice& choice) const {
    const auto targets =
        dnalm::attribution_targets::of_logits(network, std::vector<dnalm::index_t>{column}, choice);
    const auto expected =
        dnalm::saliency(dnalm::nucleotide_function(targets), std::vector<std::string>{sequence}).front().map;
    const auto found = dnalm::io::npz_reader(dir / "x.npz").read("attributions").values<float>();
    REQUIRE(found.size() == expected.values.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i] != static_cast<float>(expected.values[i])) return false;
    }
    return true;
  }

  scratch dir;
  std::string sequence;
  dnalm::model network = dnalm::load_model(enformer);
};

}  // namespace

TEST_CASE("dnalm-attribute explains what the last softplus is applied to, or the prediction", "[programs]") {
  const bench work;
  REQUIRE(work.attribute("--logit 1").err == "");
  CHECK(work.says("\"target\": \"logit 1\""));
  CHECK(work.says("\"target_scale\": \"what the network's last softplus is applied to\""));
  CHECK(work.holds(1, {}));
  CHECK(content(work.dir / "p.html").find("last softplus is applied to") != std::string::npos);
  REQUIRE(work.attribute("--logit 1 --scale prediction").err == "");
  CHECK(work.says("\"target\": \"prediction 1\""));
  CHECK(work.says("\"target_scale\": \"prediction, behind the network's last softplus\""));
  CHECK(work.holds(1, {.scale = dnalm::target_scale::prediction}));
  CHECK_FALSE(work.holds(1, {}));
}

TEST_CASE("dnalm-attribute explains any head and any rows", "[programs]") {
  const bench work;
  REQUIRE(work.attribute("--logit 2 --head mouse --rows 2:4").err == "");
  CHECK(work.says("\"target\": \"mouse logit 2, rows 2:4\""));
  CHECK(work.holds(2, {.head = "mouse", .rows = dnalm::row_interval{2, 4}}));
  REQUIRE(work.attribute("--logit 2 --head mouse --rows 3").err == "");
  CHECK(work.says("\"target\": \"mouse logit 2, rows 3:4\""));
  for (const std::string method : {"ism", "deep_lift_shap --replicates 2"}) {
    INFO(method);
    CHECK(work.attribute("--logit 2 --head mouse --rows 3", method).err == "");
  }
  const auto head = work.attribute("--logit 2 --head rat");
  CHECK(head.id() == "dnalm.usage.871");
  CHECK(head.err.find("'human', 'mouse'") != std::string::npos);
  const auto rows = work.attribute("--logit 2 --rows 4:900");
  CHECK(rows.id() == "dnalm.usage.872");
  CHECK(rows.err.find("4:900") != std::string::npos);
  write(work.dir / "two.fa", ">long\nACGTTGCAACGTGATAAGCC\n>short\nGGCATTGACCATGGCA\n");
  for (const std::string method : {"saliency", "saliency --top 1", "ism"}) {
    INFO(method);
    const auto second = run(
        "dnalm-attribute --model " DNALM_GOLDEN_DIR "/convnets/gpn_7 --logit 3 --rows 0:18" +
        (" --input " + (work.dir / "two.fa")) + " --output " + (work.dir / "y.npz") + " --method " + method);
    CHECK(second.id() == "dnalm.usage.872");
    CHECK(second.err.find("sequence 'short'") != std::string::npos);
  }
  for (const std::string wrong :
       {"--logit 2 --rows 4:4", "--logit 2 --rows -1:4", "--logit 2 --rows a",
        "--logit 2 --rows 1:", "--logit 2 --scale sigmoid", "--rows 1:2", "--head mouse", "--scale linear"}) {
    INFO(wrong);
    CHECK(work.attribute(wrong).id() == "dnalm.usage.702");
  }
}
