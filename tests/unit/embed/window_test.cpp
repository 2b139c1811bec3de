// SPDX-License-Identifier: Apache-2.0
// Long inputs: where windows lie, and that what is joined from them is what the rule says.
#include <dnalm/embed/window_rule.hpp>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <dnalm/models/load_model.hpp>
#include <support/catch.hpp>
#include <support/random_sequences.hpp>
#include <unit/embed/twins.hpp>

using dnalm::index_t;
using dnalm::pooling;
using dnalm::token_window;
using dnalm_test::bits_of;
using dnalm_test::dnabert2_twin;
using dnalm_test::nt_twin;
using dnalm_test::random_sequence;

namespace {

const std::vector<pooling> every_pooling = {pooling::mean, pooling::cls, pooling::mean_all, pooling::max,
                                            pooling::tokens};

/// Distance of a token to the nearer cut of a window; the ends of the sequence are no cuts.
index_t depth(const token_window& window, index_t token, index_t tokens) {
  const index_t far = std::numeric_limits<index_t>::max();
  return std::min(window.begin == 0 ? far : token - window.begin,
                  window.end == tokens ? far : window.end - 1 - token);
}

/// Hidden states (tokens, D) of layer `layer` and logits of a plain run of token numbers.
struct plain_run {
  std::vector<std::vector<float>> rows;
  std::vector<std::vector<float>> logits;
};
plain_run run(const dnalm::model& model, const std::vector<std::int32_t>& ids, index_t layer) {
  plain_run result;
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  dnalm::forward_workspace workspace;
  const auto copy = [](dnalm::matrix_view<const float> x) {
    std::vector<std::vector<float>> rows;
    for (index_t r = 0; r < x.rows; ++r) rows.emplace_back(x.row(r).begin(), x.row(r).end());
    return rows;
  };
  model.forward(
      {ids, offsets},
      [&](index_t k, dnalm::matrix_view<const float> x) {
        if (k == layer) result.rows = copy(x);
      },
      [&](dnalm::matrix_view<const float> x) { result.logits = copy(x); }, workspace);
  return result;
}

}  // namespace

TEST_CASE("windows of hand-computed cases", "[embed][window]") {
  using dnalm::plan_windows;
  using windows = std::vector<token_window>;
  REQUIRE(plan_windows(4, 4, 0) == windows{{0, 4, 0, 4}});
  REQUIRE(plan_windows(0, 4, 2) == windows{{0, 0, 0, 0}});
  REQUIRE(plan_windows(8, 4, 0) == windows{{0, 4, 0, 4}, {4, 8, 4, 8}});
  // The last window has full length; it shares tokens 3 and 4 with the one before, which keeps the first of
  // them.
  REQUIRE(plan_windows(7, 5, 0) == windows{{0, 5, 0, 4}, {2, 7, 4, 7}});
  REQUIRE(plan_windows(10, 4, 2) == windows{{0, 4, 0, 3}, {2, 6, 3, 5}, {4, 8, 5, 7}, {6, 10, 7, 10}});
  REQUIRE(plan_windows(6, 3, 1) == windows{{0, 3, 0, 3}, {2, 5, 3, 4}, {3, 6, 4, 6}});
  for (const auto& [capacity, overlap] :
       std::vector<std::pair<index_t, index_t>>{{0, 0}, {-3, 0}, {4, 4}, {4, -1}, {4, 9}}) {
    const index_t c = capacity;
    const index_t o = overlap;
    REQUIRE(dnalm_test::error_id_of([&] { (void)dnalm::plan_windows(9, c, o); }) == "dnalm.usage.460");
  }
}

TEST_CASE("each token belongs to the window in which it is farthest from a cut", "[embed][window]") {
  for (index_t tokens = 1; tokens < 40; ++tokens) {
    for (index_t capacity = 1; capacity <= 12; ++capacity) {
      for (index_t overlap = 0; overlap < capacity; ++overlap) {
        INFO(tokens << " tokens, capacity " << capacity << ", overlap " << overlap);
        const auto windows = dnalm::plan_windows(tokens, capacity, overlap);
        index_t next = 0;
        for (std::size_t w = 0; w < windows.size(); ++w) {
          REQUIRE(windows[w].keep_begin == next);
          next = windows[w].keep_end;
          REQUIRE(windows[w].end - windows[w].begin == std::min(tokens, capacity));
          for (index_t t = windows[w].keep_begin; t < windows[w].keep_end; ++t) {
            std::size_t best = windows.size();
            for (std::size_t other = 0; other < windows.size(); ++other) {
              if (t < windows[other].begin || t >= windows[other].end) continue;
              const bool better = best == windows.size() ||
                                  depth(windows[other], t, tokens) > depth(windows[best], t, tokens);
              if (better) best = other;
            }
            REQUIRE(best == w);
          }
        }
        REQUIRE(next == tokens);
      }
    }
  }
}

TEST_CASE("a sequence that fits has the same bits with windows and without", "[embed][window]") {
  for (const auto& model : {nt_twin(), dnabert2_twin()}) {
    const std::vector<std::string> sequences = {random_sequence(1, 90), "A", random_sequence(2, 250)};
    const dnalm::embed_options plain{.poolings = every_pooling, .logits = true};
    dnalm::embed_options windowed = plain;
    windowed.window = {.tokens = 300, .overlap = 7};
    const auto a = dnalm::embed(model, sequences, plain);
    const auto b = dnalm::embed(model, sequences, windowed);
    REQUIRE(bits_of(a) == bits_of(b));
    REQUIRE(a.token_ids == b.token_ids);
    windowed.window = {.tokens = dnalm::window_rule::model_limit};
    REQUIRE(bits_of(dnalm::embed(model, sequences, windowed)) == bits_of(a));
    // A neighbour that is cut changes nothing.
    std::vector<std::string> more = sequences;
    more.push_back(random_sequence(3, 1500));
    const auto c = dnalm::embed(model, more, windowed);
    for (index_t s = 0; s < 3; ++s) {
      for (index_t d = 0; d < model.describe().width(); ++d) {
        REQUIRE(c.at(pooling::mean, 1)(s, d) == a.at(pooling::mean, 1)(s, d));
      }
    }
  }
}

TEST_CASE("joined rows, poolings and logits are those of the windows run one by one", "[embed][window]") {
  for (const auto& model : {nt_twin(), dnabert2_twin()}) {
    const std::string sequence = random_sequence(7, 140);
    const auto tokens = model.tokenize(sequence);
    const auto frame = [&](index_t i) {
      return tokens.begin[static_cast<std::size_t>(i)] == tokens.end[static_cast<std::size_t>(i)];
    };
    const index_t suffix = frame(tokens.size() - 1) ? 1 : 0;
    const index_t inner = tokens.size() - 1 - suffix;
    const index_t size = 12;
    const index_t overlap = 5;
    const auto e = dnalm::embed(
        model, std::vector<std::string>{sequence},
        {.poolings = every_pooling, .logits = true, .window = {.tokens = size, .overlap = overlap}});
    REQUIRE(e.token_ids == tokens.ids);
    REQUIRE(e.offsets.length(0) == tokens.size());
    const auto windows = dnalm::plan_windows(inner, size - 1 - suffix, overlap);
    REQUIRE(windows.size() > 3);
    const index_t layer = 1;
    const auto& rows = e.at(pooling::tokens, layer);
    const index_t width = model.describe().width();
    std::vector<double> cls(static_cast<std::size_t>(width));
    std::vector<double> cls_logits(static_cast<std::size_t>(model.describe().vocabulary()));
    index_t joined = 0;
    for (const token_window& window : windows) {
      std::vector<std::int32_t> ids = {tokens.ids.front()};
      ids.insert(ids.end(), tokens.ids.begin() + 1 + window.begin, tokens.ids.begin() + 1 + window.end);
      if (suffix > 0) ids.push_back(tokens.ids.back());
      const plain_run alone = run(model, ids, layer);
      for (index_t t = window.keep_begin; t < window.keep_end; ++t, ++joined) {
        const auto& expected = alone.rows[static_cast<std::size_t>(1 + t - window.begin)];
        for (index_t d = 0; d < width; ++d) {
          REQUIRE(rows(1 + t, d) == expected[static_cast<std::size_t>(d)]);
        }
        const auto& logits = alone.logits[static_cast<std::size_t>(1 + t - window.begin)];
        REQUIRE(std::equal(logits.begin(), logits.end(),
                           e.logits.data() + (1 + t) * model.describe().vocabulary()));
      }
      for (std::size_t d = 0; d < cls.size(); ++d) cls[d] += static_cast<double>(alone.rows[0][d]);
      for (std::size_t v = 0; v < cls_logits.size(); ++v) {
        cls_logits[v] += static_cast<double>(alone.logits[0][v]);
      }
    }
    REQUIRE(joined == inner);
    const auto count = static_cast<double>(windows.size());
    REQUIRE(e.logits(0, 5) == static_cast<float>(cls_logits[5] / count));
    const auto& special = model.describe().tokens->special();
    for (index_t d = 0; d < width; ++d) {
      const float whole = static_cast<float>(cls[static_cast<std::size_t>(d)] / count);
      REQUIRE(rows(0, d) == whole);
      REQUIRE(e.at(pooling::cls, layer)(0, d) == whole);
      double sum = 0;
      double all = 0;
      double kept = 0;
      float most = -std::numeric_limits<float>::infinity();
      for (index_t r = 0; r < tokens.size(); ++r) {
        all += static_cast<double>(rows(r, d));
        if (special.is_special(tokens.ids[static_cast<std::size_t>(r)])) continue;
        sum += static_cast<double>(rows(r, d));
        most = std::max(most, rows(r, d));
        kept += 1;
      }
      // Sums by window and in one go differ by the rounding of doubles.
      REQUIRE(e.at(pooling::mean, layer)(0, d) == Approx(sum / kept).epsilon(1e-6).margin(1e-7));
      REQUIRE(e.at(pooling::mean_all, layer)(0, d) ==
              Approx(all / static_cast<double>(tokens.size())).epsilon(1e-6).margin(1e-7));
      REQUIRE(e.at(pooling::max, layer)(0, d) == most);
    }
  }
}

TEST_CASE("windows give the same bits for any batch, memory and number of threads", "[embed][window]") {
  const auto model = nt_twin();
  std::vector<std::string> sequences;
  for (std::uint64_t i = 0; i < 9; ++i) {
    sequences.push_back(random_sequence(i, i % 3 == 0 ? 2000 : 60 + 10 * static_cast<index_t>(i)));
  }
  dnalm::embed_options options{.poolings = every_pooling,
                               .logits = true,
                               .window = {.tokens = 100, .overlap = 20},
                               .threads = 1,
                               .memory = 1,
                               .batch_sequences = 1};
  const auto expected = bits_of(dnalm::embed(model, sequences, options));
  for (const index_t batch : {0, 2, 5}) {
    for (const int threads : {1, 2, 4}) {
      options.batch_sequences = batch;
      options.threads = threads;
      options.memory = batch == 2 ? 100'000 : 1 << 30;
      INFO("batch " << batch << ", threads " << threads);
      REQUIRE(bits_of(dnalm::embed(model, sequences, options)) == expected);
    }
  }
}

TEST_CASE("k-mers keep their frame: a window's tokens are those of its bases alone", "[embed][window]") {
  const auto model = nt_twin();
  std::string sequence = random_sequence(21, 600);
  std::replace(sequence.begin(), sequence.end(), 'N', 'A');
  const auto tokens = model.tokenize(sequence);
  for (const auto& window : dnalm::plan_windows(tokens.size() - 1, 30, 7)) {
    const index_t first = tokens.begin[static_cast<std::size_t>(window.begin + 1)];
    const index_t last = tokens.end[static_cast<std::size_t>(window.end)];
    REQUIRE(first % 3 == 0);
    const auto alone = model.tokenize(
        sequence.substr(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)));
    REQUIRE(std::equal(alone.ids.begin() + 1, alone.ids.end(), tokens.ids.begin() + 1 + window.begin));
  }
}

TEST_CASE("wrong windows are told, and an overlong sequence points to them", "[embed][window]") {
  const auto model = nt_twin();  // at most 512 tokens
  const std::vector<std::string> one = {random_sequence(1, 3000)};
  const auto id = [&](const dnalm::window_rule& rule) {
    return dnalm_test::error_id_of([&] { (void)dnalm::embed(model, one, {.window = rule}); });
  };
  REQUIRE(id({}) == "dnalm.input.406");
  REQUIRE(id({.tokens = 512}).empty());
  REQUIRE(id({.tokens = dnalm::window_rule::model_limit, .overlap = 510}).empty());
  REQUIRE(id({.tokens = 513}) == "dnalm.usage.459");
  REQUIRE(id({.tokens = -5}) == "dnalm.usage.459");
  REQUIRE(id({.tokens = 1}) == "dnalm.usage.460");
  REQUIRE(id({.tokens = 20, .overlap = 19}) == "dnalm.usage.460");
  REQUIRE(id({.overlap = 3}) == "dnalm.usage.460");
  try {
    (void)dnalm::embed(model, one, {});
    FAIL("no error");
  } catch (const dnalm::error& e) {
    REQUIRE(std::string(e.what()).find("--window") != std::string::npos);
  }
  const auto layered = dnalm::load_model(std::filesystem::path(DNALM_GOLDEN_DIR) / "supervised" / "legnet");
  const auto layered_id = [&](const dnalm::window_rule& rule) {
    return dnalm_test::error_id_of([&] { (void)dnalm::embed(layered, one, {.window = rule}); });
  };
  REQUIRE(layered_id({}).empty());
  REQUIRE(layered_id({.tokens = 100}) == "dnalm.unsupported.462");
  REQUIRE(layered_id({.tokens = dnalm::window_rule::model_limit}) == "dnalm.unsupported.462");
  REQUIRE(layered_id({.overlap = 3}) == "dnalm.usage.460");
  REQUIRE(dnalm::parse_window("max") == dnalm::window_rule::model_limit);
  REQUIRE(dnalm::parse_window("512") == 512);
  for (const std::string text : {"", "0", "-1", "12x", "1e3", "99999999999999999999"}) {
    REQUIRE(dnalm_test::error_id_of([&] { (void)dnalm::parse_window(text); }) == "dnalm.usage.461");
  }
}
