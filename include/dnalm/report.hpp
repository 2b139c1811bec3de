// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module report.
#pragma once

#include <dnalm/report/attribution_page.hpp>
#include <dnalm/report/evaluation.hpp>
#include <dnalm/report/evaluation_options.hpp>
#include <dnalm/report/figures.hpp>
#include <dnalm/report/heat_map.hpp>
#include <dnalm/report/html.hpp>
#include <dnalm/report/line_chart.hpp>
#include <dnalm/report/manifest.hpp>
#include <dnalm/report/result_folder.hpp>
#include <dnalm/report/result_table.hpp>
#include <dnalm/report/sequence_logo.hpp>
#include <dnalm/report/svg.hpp>
#include <dnalm/report/text.hpp>
