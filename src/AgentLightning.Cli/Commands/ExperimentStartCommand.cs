using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Experiments;
using AgentLightning.Lookup;
using AgentLightning.Server.Experiments;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning experiment start</c>.</summary>
internal static class ExperimentStartCommand
{
    public static Command Create()
    {
        var rules = new ExperimentRules();
        var (records, agentId, json, slot) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json(), CommonOptions.Slot());
        var runs = new Option<string[]>("--run-id")
        {
            Description = "A training run whose model is tried; several are tried together, up to seven.",
            Required = true,
        };
        var split = new Option<double[]>("--split")
        {
            Description =
                "What the candidates get together of the sessions, in percent; several are steps that rise while nothing is worse.",
            DefaultValueFactory = _ => [.. rules.Steps],
        };
        var adaptive = new Option<bool>("--adaptive")
        {
            Description = "Let the shares follow the figures, so that the best of several is found soonest.",
        };
        var metric = new Option<string>("--metric")
        {
            Description = "What must be better: reward or success.",
            DefaultValueFactory = _ => EnumText.Of(rules.Metric),
        };
        var samples = new Option<int>("--minimum-samples")
        {
            Description = "Fewest values of the metric of each variant before anybody wins.",
            DefaultValueFactory = _ => rules.MinimumSamples,
        };
        var effect = new Option<double>("--minimum-effect")
        {
            Description = "How much better a candidate must be for certain; below 0 it may be so much worse.",
            DefaultValueFactory = _ => rules.MinimumEffect,
        };
        var alpha = new Option<double>("--alpha")
        {
            Description = "The chance that a candidate wins that is not better, however often one looks.",
            DefaultValueFactory = _ => rules.Alpha,
        };
        var days = new Option<double>("--most-days")
        {
            Description = "After so many days it ends without a winner.",
            DefaultValueFactory = _ => rules.MostDays,
        };
        var wait = new Option<bool>("--no-promote") { Description = "Say who has won, and leave the promotion to you." };
        var force = new Option<bool>("--force") { Description = "Try what the gate has not passed; the record says so." };
        var reason = new Option<string?>("--reason") { Description = "Why it is forced, for the record." };
        var command = new Command(
            "start",
            "Splits the sessions of an agent between its release and the models of runs that passed the gate. "
                + "Example: lightning experiment start --run-id ID --split 20"
        )
        {
            runs,
            split,
            adaptive,
            metric,
            samples,
            effect,
            alpha,
            days,
            wait,
            force,
            reason,
            agentId,
            slot,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var body = new StartExperimentBody(
                    parsed.GetValue(agentId),
                    null,
                    parsed.GetValue(runs),
                    null,
                    rules with
                    {
                        Design = parsed.GetValue(adaptive) ? ExperimentDesign.TrackAndStop : ExperimentDesign.Split,
                        Metric = EnumText.Parse<ExperimentMetric>(parsed.GetValue(metric), "--metric"),
                        Steps = parsed.GetValue(split)!,
                        MinimumSamples = parsed.GetValue(samples),
                        MinimumEffect = parsed.GetValue(effect),
                        Alpha = parsed.GetValue(alpha),
                        MostDays = parsed.GetValue(days),
                        PromoteWinner = !parsed.GetValue(wait),
                    },
                    "cli",
                    parsed.GetValue(force),
                    parsed.GetValue(reason),
                    parsed.GetValue(slot)
                );
                body.Rules!.Validate();
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var whole = new List<string>();
                foreach (var id in body.RunIds!)
                {
                    whole.Add(await opened.Ids.WholeAsync(RecordKind.TrainingRun, id, cancellationToken));
                }

                body = body with { RunIds = whole };
                ExperimentTable.Write(await opened.Experiments.StartAsync(body, cancellationToken), parsed.GetValue(json));
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
