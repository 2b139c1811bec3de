// SPDX-License-Identifier: Apache-2.0
// The kernels of Mamba's mixer in float, on every instruction set: near double, and bit for bit the same in
// another batch, on a team, from the other end and in pieces of another length.
#include <unit/backend/scan_cases.hpp>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/instruction_sets.hpp>

using dnalm::index_t;
using dnalm::isa;
using dnalm::scan_order;
using dnalm_test::instruction_sets;
using dnalm_test::normal_numbers;
using dnalm_test::numbers;
using dnalm_test::scan_problem;

namespace {

const dnalm::reference_backend reference;

/// Largest difference of two rows of numbers by the largest number of the first.
double relative_gap(const numbers& exact, const numbers& found) {
  REQUIRE(exact.size() == found.size());
  double gap = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double here = std::abs(exact[i] - found[i]);
    gap = std::isnan(here) ? 1e300 : std::max(gap, here);
    size = std::max(size, std::abs(exact[i]));
  }
  return gap / size;
}
/// The three gradients by themselves: they differ in size.
std::vector<numbers> gradients_of(const scan_problem& p, const numbers& all) {
  const auto first = p.rows() * p.channels;
  return {{all.begin(), all.begin() + first},
          {all.begin() + first, all.begin() + 2 * first},
          {all.begin() + 2 * first, all.end()}};
}

numbers part_of(const numbers& all, index_t row_numbers, index_t first, index_t rows) {
  return {all.begin() + first * row_numbers, all.begin() + (first + rows) * row_numbers};
}

}  // namespace

TEST_CASE("the float selective scan is near double, in place too", "[cpu][scan]") {
  for (const scan_order order : {scan_order::forward, scan_order::backward}) {
    for (const auto& [channels, states] : {std::pair<index_t, index_t>{1, 1}, {21, 3}, {48, 16}, {150, 5}}) {
      const scan_problem p{{1, 2, 3, 5, 63, 64, 65, 67, 200}, channels, states, order};
      const numbers x = normal_numbers(p.size(), 1);
      const numbers u = normal_numbers(p.rows() * channels, 2);
      const numbers exact = dnalm_test::run_scan(reference, p, x);
      const auto slopes = gradients_of(p, dnalm_test::run_scan_vjp(reference, p, x, u));
      for (const isa set : instruction_sets()) {
        INFO(dnalm::to_string(set) << ", " << channels << " channels");
        const dnalm::cpu_backend b(set);
        const numbers y = dnalm_test::run_scan(b, p, x);
        CHECK(relative_gap(exact, y) < 2e-6);
        CHECK(dnalm_test::same_numbers(y, dnalm_test::run_scan(b, p, x, true)));
        const numbers g = dnalm_test::run_scan_vjp(b, p, x, u);
        CHECK(dnalm_test::same_numbers(g, dnalm_test::run_scan_vjp(b, p, x, u, true)));
        const auto found = gradients_of(p, g);
        for (std::size_t i = 0; i < 3; ++i) {
          INFO("gradient " << i);
          CHECK(relative_gap(slopes[i], found[i]) < 5e-6);
        }
      }
    }
  }
}

TEST_CASE("steps of the float scan: log(1 + exp) of all magnitudes", "[cpu][scan]") {
  // One row, state 0 before it: y = softplus(delta) x B C with x = B = C = 1, D = 0.
  std::vector<float> delta;
  for (double x = -80.0; x < 60.0; x += 0.0137) delta.push_back(static_cast<float>(x));
  const auto rows = static_cast<index_t>(delta.size());
  const std::vector<float> ones(static_cast<std::size_t>(2 * rows), 1.0F);
  const float rate[] = {-1.0F};
  const float skip[] = {0.0F};
  dnalm::ragged_offsets offsets;
  for (index_t i = 0; i < rows; ++i) offsets.append(1);
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    const dnalm::cpu_backend b(set);
    std::vector<float> y(delta.size());
    std::vector<float> scratch(static_cast<std::size_t>(b.selective_scan_scratch(1, 1)));
    b.selective_scan({dnalm::as_matrix(ones.data(), rows, 1),
                      dnalm::as_matrix(delta.data(), rows, 1),
                      dnalm::as_matrix(ones.data(), rows, 2),
                      dnalm::as_matrix(rate, 1, 1),
                      {skip, 1}},
                     offsets, {scratch.data(), static_cast<index_t>(scratch.size())},
                     dnalm::as_matrix(y.data(), rows, 1));
    double worst = 0.0;
    for (std::size_t i = 0; i < delta.size(); ++i) {
      const double exact = std::log1p(std::exp(static_cast<double>(delta[i])));
      worst = std::max(worst, std::abs(static_cast<double>(y[i]) - exact) / exact);
    }
    CHECK(worst < 4e-7);
  }
}

TEST_CASE("a sequence's scan has the same bits alone, in a batch and on a team", "[cpu][scan]") {
  dnalm::thread_team team(3);
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    const dnalm::cpu_backend b(set);
    const scan_problem batch{{130, 1, 70}, 150, 5, scan_order::backward};
    const numbers x = normal_numbers(batch.size(), 11);
    const numbers u = normal_numbers(batch.rows() * 150, 12);
    const numbers together = dnalm_test::run_scan(b, batch, x);
    const numbers slopes = dnalm_test::run_scan_vjp(b, batch, x, u);
    CHECK(dnalm_test::same_numbers(together, dnalm_test::run_scan(b.on_team(&team), batch, x)));
    CHECK(dnalm_test::same_numbers(slopes, dnalm_test::run_scan_vjp(b.on_team(&team), batch, x, u)));
    const auto offsets = batch.offsets();
    const auto inputs = gradients_of(batch, x);
    const auto gradients = gradients_of(batch, slopes);
    for (index_t s = 0; s < 3; ++s) {
      const index_t rows = offsets.length(s);
      const scan_problem alone{{rows}, 150, 5, scan_order::backward};
      numbers own;
      numbers expected;
      for (std::size_t i = 0; i < 3; ++i) {
        const numbers in = part_of(inputs[i], i < 2 ? 150 : 10, offsets.begin(s), rows);
        const numbers out = part_of(gradients[i], i < 2 ? 150 : 10, offsets.begin(s), rows);
        own.insert(own.end(), in.begin(), in.end());
        expected.insert(expected.end(), out.begin(), out.end());
      }
      const numbers dy = part_of(u, 150, offsets.begin(s), rows);
      CHECK(dnalm_test::same_numbers(dnalm_test::run_scan(b, alone, own),
                                     part_of(together, 150, offsets.begin(s), rows)));
      CHECK(dnalm_test::same_numbers(dnalm_test::run_scan_vjp(b, alone, own, dy), expected));
    }
  }
}

TEST_CASE("a long scan in pieces of any length has the same bits, and so has its adjoint", "[cpu][scan]") {
  const scan_problem p{{3000}, 18, 4};
  const dnalm_test::scan_memory<float> m(p, normal_numbers(p.size(), 21));
  const numbers u = normal_numbers(p.rows() * 18, 22);
  const dnalm_test::poisoned<float> dy(p.rows(), 18, u.data());
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    numbers first;
    numbers first_slopes;
    for (const index_t chunk : {index_t{3000}, dnalm::scan_chunk, index_t{7}, index_t{1}}) {
      dnalm_test::poisoned<float> y(3000, 18);
      dnalm_test::poisoned_scratch<float> scratch(dnalm::cpu_selective_scan_scratch(18, 4));
      dnalm::cpu_selective_scan(set, m.input(), m.offsets, scratch.view(), y.view(), chunk);
      dnalm_test::poisoned<float> dx(3000, 18);
      dnalm_test::poisoned<float> ddelta(3000, 18);
      dnalm_test::poisoned<float> dparts(3000, 8);
      dnalm_test::poisoned_scratch<float> more(dnalm::cpu_selective_scan_vjp_scratch(3000, 18, 4, chunk));
      dnalm::cpu_selective_scan_vjp(set, m.input(), 0, 3000, dy.view(), more.view(),
                                    {dx.view(), ddelta.view(), dparts.view()}, dparts.view(), chunk);
      CHECK(scratch.frame_is_whole());
      CHECK(more.frame_is_whole());
      numbers found;
      numbers slopes;
      dnalm_test::append_numbers(y.view(), found);
      for (auto* part : {&dx, &ddelta, &dparts}) dnalm_test::append_numbers(part->view(), slopes);
      if (first.empty()) {
        first = found;
        first_slopes = slopes;
      }
      CHECK(dnalm_test::same_numbers(first, found));
      CHECK(dnalm_test::same_numbers(first_slopes, slopes));
    }
  }
}

TEST_CASE("scans and short convolutions from the other end have the bits of the sequence turned round",
          "[cpu][scan]") {
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    const dnalm::cpu_backend b(set);
    scan_problem p{{40, 3}, 19, 3};
    const auto offsets = p.offsets();
    const auto inputs = gradients_of(p, normal_numbers(p.size(), 31));
    const auto joined = [&](bool turn) {
      numbers all;
      for (std::size_t i = 0; i < 3; ++i) {
        const numbers in = turn ? dnalm_test::turned_round(inputs[i], offsets, i < 2 ? 19 : 6) : inputs[i];
        all.insert(all.end(), in.begin(), in.end());
      }
      return all;
    };
    const numbers ahead = dnalm_test::run_scan(b, p, joined(false));
    const numbers narrow = dnalm_test::run_short_back(b, p, 4, inputs[0], true);
    p.order = scan_order::backward;
    CHECK(dnalm_test::same_numbers(
        dnalm_test::turned_round(dnalm_test::run_scan(b, p, joined(true)), offsets, 19), ahead));
    for (const bool adjoint : {false, true}) {
      const numbers exact = dnalm_test::run_short_back(reference, p, 4, inputs[0], adjoint);
      CHECK(relative_gap(exact, dnalm_test::run_short_back(b, p, 4, inputs[0], adjoint)) < 5e-7);
    }
    // The adjoint of the one is the other without its bias: x of the forward, turned round.
    const dnalm_test::poisoned<float> x(p.rows(), 19, inputs[0].data());
    const numbers weights = normal_numbers(4 * 19, 31);
    const dnalm_test::poisoned<float> w(4, 19, weights.data());
    const numbers zeros(19, 0.0);
    const dnalm_test::poisoned<float> bias(1, 19, zeros.data());
    dnalm_test::poisoned<float> y(p.rows(), 19);
    b.short_convolution(x.view(), w.view(), bias.view().row(0), offsets, y.view());
    numbers found;
    dnalm_test::append_numbers(y.view(), found);
    CHECK(relative_gap(narrow, found) == 0.0);
  }
}

namespace {

/// The largest of the terms that the adjoint of an RMS norm subtracts: with few columns little is left.
double rms_terms(index_t columns, const numbers& x, const numbers& dy) {
  const numbers gamma = normal_numbers(columns, 41);
  double size = 0.0;
  for (index_t r = 0; r < 300; ++r) {
    double squares = 0.0;
    for (index_t c = 0; c < columns; ++c) {
      squares += std::pow(x[static_cast<std::size_t>(r * columns + c)], 2) / static_cast<double>(columns);
    }
    for (index_t c = 0; c < columns; ++c) {
      const double g = dy[static_cast<std::size_t>(r * columns + c)] * gamma[static_cast<std::size_t>(c)];
      size = std::max(size, std::abs(g) / std::sqrt(squares + 1e-5));
    }
  }
  return size;
}

}  // namespace

TEST_CASE("the float RMS norm and its adjoint are near double", "[cpu][scan]") {
  dnalm::thread_team team(3);
  for (const index_t columns : {1, 15, 16, 17, 64, 100, 256}) {
    const numbers x = normal_numbers(300 * columns, 41);
    const numbers u = normal_numbers(300 * columns, 42);
    for (const numbers* dy : {static_cast<const numbers*>(nullptr), &u}) {
      const numbers exact = dnalm_test::run_rms_norm(reference, 300, columns, x, dy);
      for (const isa set : instruction_sets()) {
        INFO(dnalm::to_string(set) << ", " << columns << " columns");
        const dnalm::cpu_backend b(set);
        const numbers found = dnalm_test::run_rms_norm(b, 300, columns, x, dy);
        double size = 0.0;
        for (const double value : exact) size = std::max(size, std::abs(value));
        const double terms = dy == nullptr ? size : rms_terms(columns, x, u);
        CHECK(relative_gap(exact, found) * size < 2e-6 * terms);
        CHECK(
            dnalm_test::same_numbers(found, dnalm_test::run_rms_norm(b.on_team(&team), 300, columns, x, dy)));
      }
    }
  }
}

TEST_CASE("strands are copied number by number", "[cpu][scan]") {
  dnalm::thread_team team(3);
  const dnalm::cpu_backend b;
  const numbers x = normal_numbers(1200 * 38, 51);
  for (const bool exchanged : {false, true}) {
    for (const bool unfold : {false, true}) {
      const numbers exact = dnalm_test::run_strands(reference, 1200, 19, x, exchanged, unfold);
      CHECK(dnalm_test::same_numbers(exact, dnalm_test::run_strands(b, 1200, 19, x, exchanged, unfold)));
      CHECK(dnalm_test::same_numbers(
          exact, dnalm_test::run_strands(b.on_team(&team), 1200, 19, x, exchanged, unfold)));
    }
  }
}

namespace {

/// The scan of one sequence in runs of rows, in the order of the scan, with the state between them.
template <class B>
numbers run_scan_in_pieces(const B& b, const scan_problem& p, const numbers& all,
                           const std::vector<index_t>& runs) {
  using T = typename B::scalar;
  dnalm_test::scan_memory<T> m(p, all);
  dnalm_test::poisoned<T> out(p.rows(), p.channels);
  dnalm_test::poisoned_scratch<T> scratch(b.selective_scan_scratch(p.channels, p.states));
  dnalm_test::poisoned_scratch<T> state(b.scan_state_size(p.channels, p.states));
  std::fill(state.view().begin(), state.view().end(), T(0));
  index_t done = 0;
  for (std::size_t i = 0; done < p.rows(); ++i) {
    const index_t count = std::min(runs[i % runs.size()], p.rows() - done);
    const index_t first = p.order == scan_order::forward ? done : p.rows() - done - count;
    auto piece = m.input();
    piece.x = piece.x.row_block(first, count);
    piece.delta = piece.delta.row_block(first, count);
    piece.parts = piece.parts.row_block(first, count);
    b.selective_scan_from(piece, state.view(), scratch.view(), out.view().row_block(first, count));
    done += count;
  }
  CHECK(out.frame_is_whole());
  CHECK(scratch.frame_is_whole());
  CHECK(state.frame_is_whole());
  numbers result;
  dnalm_test::append_numbers(out.view(), result);
  return result;
}

}  // namespace

TEST_CASE("a scan whose state goes from piece to piece has the bits of one in one piece", "[cpu][scan]") {
  dnalm::thread_team team(3);
  for (const scan_order order : {scan_order::forward, scan_order::backward}) {
    for (const auto& [channels, states] : {std::pair<index_t, index_t>{1, 1}, {21, 3}, {48, 16}, {150, 5}}) {
      const scan_problem p{{333}, channels, states, order};
      const numbers x = normal_numbers(p.size(), 3);
      for (const std::vector<index_t>& runs :
           {std::vector<index_t>{1}, {7}, {64}, {100, 1, 63}, {332}, {333}}) {
        INFO(channels << " channels, first run " << runs.front());
        CHECK(dnalm_test::same_numbers(dnalm_test::run_scan(reference, p, x),
                                       run_scan_in_pieces(reference, p, x, runs)));
        for (const isa set : instruction_sets()) {
          INFO(dnalm::to_string(set));
          const dnalm::cpu_backend b(set);
          const numbers whole = dnalm_test::run_scan(b, p, x);
          CHECK(dnalm_test::same_numbers(whole, run_scan_in_pieces(b, p, x, runs)));
          CHECK(dnalm_test::same_numbers(whole, run_scan_in_pieces(b.on_team(&team), p, x, runs)));
        }
      }
    }
  }
}

namespace {

/// The scan, then its adjoint from the states that it kept, changed by `change`.
struct kept_run {
  numbers y;
  numbers kept;
  numbers slopes;
};
template <class Change>
kept_run run_scan_keeping(const dnalm::cpu_backend& b, const scan_problem& p, const numbers& all,
                          const numbers& u, Change&& change) {
  dnalm_test::scan_memory<float> m(p, all);
  dnalm_test::poisoned<float> y(p.rows(), p.channels);
  dnalm_test::poisoned_scratch<float> scratch(b.selective_scan_scratch(p.channels, p.states));
  dnalm_test::poisoned_scratch<float> kept(b.scan_kept_size(p.rows(), p.channels, p.states));
  b.selective_scan_keeping(m.input(), m.offsets, scratch.view(), y.view(), kept.view());
  kept_run run;
  dnalm_test::append_numbers(y.view(), run.y);
  run.kept.assign(kept.view().begin(), kept.view().end());
  change(kept.view());
  const dnalm_test::poisoned<float> dy(p.rows(), p.channels, u.data());
  dnalm_test::poisoned<float> dx(p.rows(), p.channels);
  dnalm_test::poisoned<float> ddelta(p.rows(), p.channels);
  dnalm_test::poisoned<float> dparts(p.rows(), 2 * p.states);
  dnalm_test::poisoned_scratch<float> more(b.selective_scan_vjp_scratch(p.longest(), p.channels, p.states));
  b.selective_scan_kept_vjp(m.input(), m.offsets, dy.view(), more.view(),
                            {dx.view(), ddelta.view(), dparts.view()}, kept.view());
  for (auto* part : {&dx, &ddelta, &dparts}) {
    CHECK(part->frame_is_whole());
    dnalm_test::append_numbers(part->view(), run.slopes);
  }
  CHECK((kept.frame_is_whole() && scratch.frame_is_whole() && more.frame_is_whole()));
  return run;
}

}  // namespace

TEST_CASE("an adjoint from the states that the scan kept has the bits of one that computes them again",
          "[cpu][scan]") {
  dnalm::thread_team team(3);
  const auto as_they_are = [](dnalm::vector_view<float>) {};
  for (const scan_order order : {scan_order::forward, scan_order::backward}) {
    for (const auto& [channels, states] : {std::pair<index_t, index_t>{1, 1}, {21, 3}, {150, 5}}) {
      const scan_problem p{{130, 1, 64, 65, 3, 129, 200}, channels, states, order};
      const numbers x = normal_numbers(p.size(), 61);
      const numbers u = normal_numbers(p.rows() * channels, 62);
      for (const isa set : instruction_sets()) {
        INFO(dnalm::to_string(set) << ", " << channels << " channels");
        const dnalm::cpu_backend b(set);
        const numbers slopes = dnalm_test::run_scan_vjp(b, p, x, u);
        const kept_run alone = run_scan_keeping(b, p, x, u, as_they_are);
        CHECK(dnalm_test::same_numbers(dnalm_test::run_scan(b, p, x), alone.y));
        CHECK(dnalm_test::same_numbers(slopes, alone.slopes));
        const kept_run shared = run_scan_keeping(b.on_team(&team), p, x, u, as_they_are);
        CHECK(dnalm_test::same_numbers(alone.y, shared.y));
        CHECK(dnalm_test::same_numbers(slopes, shared.slopes));
      }
    }
  }
}

TEST_CASE("what a scan keeps are the states before every 64 rows but the first of a sequence",
          "[cpu][scan]") {
  const scan_problem p{{64, 200}, 21, 3};
  const numbers x = normal_numbers(p.size(), 63);
  const numbers u = normal_numbers(p.rows() * 21, 64);
  for (const isa set : instruction_sets()) {
    INFO(dnalm::to_string(set));
    const dnalm::cpu_backend b(set);
    const index_t size = b.scan_state_size(21, 3);
    REQUIRE(b.scan_kept_size(p.rows(), 21, 3) == 4 * size);
    const kept_run run = run_scan_keeping(b, p, x, u, [](dnalm::vector_view<float>) {});
    dnalm_test::scan_memory<float> m(p, x);
    std::vector<float> state(static_cast<std::size_t>(size));
    std::vector<float> scratch(static_cast<std::size_t>(b.selective_scan_scratch(21, 3)));
    for (index_t k = 0; k < 3; ++k) {
      auto piece = m.input();
      piece.x = piece.x.row_block(64 + 64 * k, 64);
      piece.delta = piece.delta.row_block(64 + 64 * k, 64);
      piece.parts = piece.parts.row_block(64 + 64 * k, 64);
      dnalm_test::poisoned<float> y(64, 21);
      b.selective_scan_from(piece, {state.data(), size},
                            {scratch.data(), static_cast<index_t>(scratch.size())}, y.view());
      const numbers expected(state.begin(), state.end());
      CHECK(dnalm_test::same_numbers(expected, part_of(run.kept, size, k, 1)));
    }
    // The adjoint reads them: those before the last chunk matter to its rows' B and C alone.
    const numbers changed =
        run_scan_keeping(b, p, x, u, [&](dnalm::vector_view<float> kept) { kept[2 * size] += 1.0F; }).slopes;
    const auto before = gradients_of(p, run.slopes)[2];
    const auto after = gradients_of(p, changed)[2];
    const index_t row = 64 + 192;
    CHECK(dnalm_test::same_numbers(part_of(before, 6, 0, row), part_of(after, 6, 0, row)));
    CHECK_FALSE(dnalm_test::same_numbers(part_of(before, 6, row, 8), part_of(after, 6, row, 8)));
  }
}
