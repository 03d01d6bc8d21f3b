using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Measurement;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model bench</c>: how fast a model is on this machine, and how fast it could be.</summary>
internal static class ModelBenchCommand
{
    public static Command Create()
    {
        var (model, type, threads, json) = (ModelCommand.Model(), ModelCommand.Type(), ModelCommand.Threads(), CommonOptions.Json());
        var seconds = new Option<double>("--seconds")
        {
            Description = "About how long each figure may take, 0 to 600; longer gives steadier ones.",
            DefaultValueFactory = _ => 3,
        };
        var loadOnly = new Option<bool>("--load-only") { Description = "Only measure how it is loaded." };
        var command = new Command(
            "bench",
            "Measures loading, reading, decoding and training of a model beside the limits of this machine. Example: lightning model "
                + "bench --model qwen2.5-0.5b"
        )
        {
            model,
            type,
            threads,
            seconds,
            loadOnly,
            json,
        };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                var (each, folder) = (parsed.GetValue(seconds), parsed.GetValue(model)!.FullName);
                if (each is not (>= 0 and <= 600))
                {
                    throw LightningException.Invalid(
                        string.Create(CultureInfo.InvariantCulture, $"--seconds must be from 0 to 600, but it is {each}.")
                    );
                }

                var start = Stopwatch.GetTimestamp();
                using var loaded = LanguageModel.Load(
                    folder,
                    adapter: null,
                    parsed.GetValue(threads),
                    parsed.GetValue(type),
                    cancellationToken
                );
                var figures = Loading(loaded, folder, start);
                if (!parsed.GetValue(loadOnly))
                {
                    foreach (var figure in ModelSpeed.Measure(loaded.Model, loaded.Compute, each, cancellationToken))
                    {
                        figures.Add(figure);
                    }
                }

                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(
                        new
                        {
                            model = folder,
                            threads = loaded.Compute.Threads,
                            figures,
                        }
                    );
                }
                else
                {
                    Write(figures);
                }

                return Task.FromResult(ExitCodes.Success);
            }
        );
        return command;
    }

    private static List<SpeedFigure> Loading(LanguageModel loaded, string folder, long start)
    {
        var load = Stopwatch.GetElapsedTime(start).TotalSeconds;
        using (var generator = new Generator(loaded.Model, loaded.Compute, null, new GeneratorOptions { MaxBatch = 1, CacheTokens = 64 }))
        {
            generator.Generate([0], new GenerationOptions { MaxTokens = 1, Temperature = 0 });
        }

        var first = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var stored = Directory.EnumerateFiles(folder, "*.safetensors").Sum(file => new FileInfo(file).Length);
        return
        [
            new SpeedFigure("loading", Math.Round(load, 3), "s"),
            new SpeedFigure("loading to the first token", Math.Round(first, 3), "s"),
            new SpeedFigure(
                "memory of the process",
                Math.Round(Environment.WorkingSet / 1e6, 1),
                "MB",
                Math.Round((double)Environment.WorkingSet / stored, 3),
                string.Create(CultureInfo.InvariantCulture, $"the weights as stored, {stored / 1e6:F1} MB")
            ),
        ];
    }

    private static void Write(List<SpeedFigure> figures)
    {
        var table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumn("what")
            .AddColumn(new TableColumn("value").RightAligned())
            .AddColumn("unit")
            .AddColumn(new TableColumn("share").RightAligned())
            .AddColumn("of");
        foreach (var figure in figures)
        {
            table.AddRow(
                Markup.Escape(figure.Name),
                figure.Value.ToString("N2", CultureInfo.InvariantCulture),
                Markup.Escape(figure.Unit),
                figure.Share?.ToString("F2", CultureInfo.InvariantCulture) ?? "",
                Markup.Escape(figure.Limit ?? "")
            );
        }

        Terminal.Results.Write(table);
    }
}
