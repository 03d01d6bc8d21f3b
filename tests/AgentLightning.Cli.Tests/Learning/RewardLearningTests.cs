using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Learning from rewards from the command line, each command in a process of its own.</summary>
public sealed class RewardLearningTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_task_in_the_box_is_learned_from_nothing_and_another_process_finds_it_learned()
    {
        var result = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "rl",
                "--task",
                "reverse4",
                "--method",
                "grpo",
                "--out",
                "reversed",
                "--run",
                "run",
                "--json"
            )
        ).Json();
        var evaluated = (
            await Lightning.RunAsync(_folder.Path, "model", "eval", "--task", "reverse4", "--model", "reversed", "--json")
        ).Json();

        Assert.Equal(
            ["task", "method", "seed", "steps", "seconds", "accuracy", "tokens_per_second", "share_of_peak"],
            result.EnumerateObject().Select(property => property.Name)
        );
        Assert.InRange(result.GetProperty("accuracy").GetDouble(), 0.99, 1);
        Assert.InRange(result.GetProperty("share_of_peak").GetDouble(), 1e-4, 1);
        Assert.Equal(result.GetProperty("accuracy").GetDouble(), evaluated.GetProperty("accuracy").GetDouble());
        Assert.Equal(500, evaluated.GetProperty("tasks").GetInt32());
        var last = JsonDocument
            .Parse(
                (await File.ReadAllLinesAsync(_folder.File("run/journal.jsonl"))).Last(line =>
                    line.Contains("\"reward\"", StringComparison.Ordinal)
                )
            )
            .RootElement.GetProperty("metrics");
        string[] named =
        [
            "entropy",
            "grad_norm",
            "frac_reward_zero_std",
            "completions/mean_length",
            "clip_ratio/region_mean",
            "tokens_per_second",
            "share_of_peak",
        ];
        Assert.All(named, name => Assert.True(last.TryGetProperty(name, out _), name));
    }

    [Fact]
    public async Task A_run_that_is_interrupted_and_repeated_ends_with_the_weights_of_one_that_is_not()
    {
        string[] command =
        [
            "model",
            "rl",
            "--task",
            "reverse4",
            "--method",
            "ppo",
            "--steps",
            "60",
            "--save-every",
            "5",
            "--tasks-per-step",
            "8",
            "--attempts",
            "4",
        ];
        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, [.. command, "--run", "whole", "--out", "whole-model"])).ExitCode);
        for (var tries = 0; !await InterruptAsync([.. command, "--run", "parts", "--restart"]); tries++)
        {
            Assert.True(tries < 20, "the run always ended before it was interrupted");
        }

        Assert.False(Directory.Exists(_folder.File("parts-model")));
        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, [.. command, "--run", "parts", "--out", "parts-model"])).ExitCode);

        Assert.Equal(
            await File.ReadAllBytesAsync(_folder.File("whole-model/model.safetensors")),
            await File.ReadAllBytesAsync(_folder.File("parts-model/model.safetensors"))
        );
    }

    [Fact]
    public async Task Two_processes_do_not_use_one_run_folder()
    {
        string[] command =
        [
            "model",
            "rl",
            "--task",
            "reverse4",
            "--steps",
            "100000",
            "--stop-at",
            "1",
            "--learning-rate",
            "0",
            "--evaluate-every",
            "0",
            "--run",
            "run",
        ];
        using var first = Lightning.Start(_folder.Path, command);
        using var looks = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!first.HasExited && !File.Exists(_folder.File("run/journal.jsonl")) && await looks.WaitForNextTickAsync()) { }

        var second = await Lightning.RunAsync(_folder.Path, command);
        first.Kill(entireProcessTree: true);
        await first.WaitForExitAsync();
        // A process that was killed leaves nothing behind that stands in the way.
        var third = await Lightning.RunAsync(_folder.Path, [.. command.Select(word => word == "100000" ? "1" : word), "--restart"]);

        Assert.Contains(
            "another run is going on in this folder. Wait for it, or give another folder.",
            second.Failed(2),
            StringComparison.Ordinal
        );
        Assert.True(third.ExitCode == 0, third.Error);
    }

    [Fact]
    public async Task A_task_file_trains_a_model_or_an_adapter_on_it_with_its_grader()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat", "the dog sat on the log"]);
        await File.WriteAllLinesAsync(
            _folder.File("rows.jsonl"),
            Enumerable
                .Range(0, 20)
                .Select(i =>
                    JsonSerializer.Serialize(
                        new
                        {
                            id = $"q{i}",
                            prompt = i % 2 == 0 ? "the cat" : "the dog",
                            answer = "a",
                        }
                    )
                )
        );
        await File.WriteAllTextAsync(
            _folder.File("task.json"),
            """
            {"data":"rows.jsonl","max_tokens":6,"grader":{"type":"multi","calculate_output":"0.5*a + 0.5*b","graders":{
             "a":{"type":"string_check","operation":"ilike","input":"{{sample.output_text}}","reference":"{{item.answer}}"},
             "b":{"type":"text_similarity","evaluation_metric":"fuzzy_match","input":"{{sample.output_text}}","reference":"a a a"}}}}
            """
        );

        string[] command = ["model", "rl", "--task", "task.json", "--model", "model", "--method", "dapo", "--json"];
        var result = (
            await Lightning.RunAsync(
                _folder.Path,
                [.. command, "--full", "--steps", "40", "--learning-rate", "0.01", "--out", "trained", "--run", "run"]
            )
        ).Json();
        await Lightning.RunAsync(_folder.Path, [.. command, "--steps", "1", "--beta", "0.01", "--out", "adapter"]);
        var evaluated = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "eval",
                "--task",
                "task.json",
                "--model",
                "trained",
                "--adapter",
                "adapter",
                "--json"
            )
        ).Json();

        Assert.Equal(40, result.GetProperty("steps").GetInt32());
        Assert.Equal(2, evaluated.GetProperty("tasks").GetInt32());
        var rewards = (await File.ReadAllLinesAsync(_folder.File("run/journal.jsonl")))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("metrics"))
            .Where(metrics => metrics.TryGetProperty("reward", out _))
            .Select(metrics => metrics.GetProperty("reward").GetDouble())
            .ToList();
        Assert.True(rewards[^1] > rewards[0] + 0.1, $"the reward went from {rewards[0]} to {rewards[^1]}");
    }

    [Fact]
    public async Task Preferences_between_messages_are_learned_as_the_chat_template_writes_them()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["user the cat", "assistant sat on the mat"]);
        await File.WriteAllTextAsync(
            _folder.File("model/tokenizer_config.json"),
            JsonSerializer.Serialize(
                new
                {
                    chat_template = "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}{% if add_generation_prompt "
                        + "%}assistant {% endif %}",
                }
            )
        );
        await File.WriteAllLinesAsync(
            _folder.File("pairs.jsonl"),
            Enumerable.Repeat(
                """{"input":{"messages":[{"role":"user","content":"the cat"}]},"preferred_output":[{"role":"assistant","content":"sat"}],"non_preferred_output":[{"role":"assistant","content":"mat"}]}""",
                10
            )
        );

        var result = (
            await Lightning.RunAsync(
                _folder.Path,
                "model",
                "dpo",
                "--model",
                "model",
                "--data",
                "pairs.jsonl",
                "--loss",
                "ipo",
                "--full",
                "--steps",
                "20",
                "--learning-rate",
                "0.003",
                "--out",
                "trained",
                "--json"
            )
        ).Json();

        Assert.Equal(1.0, result.GetProperty("held_out_accuracy").GetDouble());
        Assert.InRange(result.GetProperty("held_out_loss").GetDouble(), 0, 24);
        Assert.True(File.Exists(_folder.File("trained/model.safetensors")));
    }

    [Fact]
    public async Task Preferences_are_learned_by_an_adapter()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat", "the dog sat on the log"]);
        await File.WriteAllLinesAsync(
            _folder.File("pairs.jsonl"),
            Enumerable
                .Range(0, 40)
                .Select(i =>
                    JsonSerializer.Serialize(
                        new
                        {
                            prompt = $"the {i}",
                            chosen = " cat",
                            rejected = " log",
                        }
                    )
                )
        );
        string[] command =
        [
            "model",
            "dpo",
            "--model",
            "model",
            "--data",
            "pairs.jsonl",
            "--steps",
            "40",
            "--learning-rate",
            "0.01",
            "--run",
            "run",
            "--json",
        ];

        var result = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Json();
        var again = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Json();
        await File.WriteAllTextAsync(_folder.File("pairs.jsonl"), "{\"prompt\":\"the\",\"chosen\":\"a\"}");
        var wrong = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Failed(2);

        Assert.Equal(
            ["out", "pairs", "held_out", "steps", "loss", "held_out_loss", "held_out_accuracy", "held_out_margin"],
            result.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal(
            (36, 4, 1.0),
            (
                result.GetProperty("pairs").GetInt32(),
                result.GetProperty("held_out").GetInt32(),
                result.GetProperty("held_out_accuracy").GetDouble()
            )
        );
        Assert.InRange(result.GetProperty("held_out_loss").GetDouble(), 0, 0.6);
        Assert.Equal(result.GetRawText(), again.GetRawText());
        Assert.True(File.Exists(_folder.File("adapter/adapter_model.safetensors")));
        Assert.Contains("pairs.jsonl, line 1: a row must have", wrong, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_that_were_liked_or_not_are_learned_by_an_adapter()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat", "the dog sat on the log"]);
        await File.WriteAllLinesAsync(
            _folder.File("answers.jsonl"),
            Enumerable
                .Range(0, 40)
                .Select(i =>
                    JsonSerializer.Serialize(
                        new
                        {
                            prompt = $"the {i}",
                            completion = i % 2 == 0 ? " cat" : " log",
                            label = i % 2 == 0,
                        }
                    )
                )
        );
        string[] command =
        [
            "model",
            "kto",
            "--model",
            "model",
            "--data",
            "answers.jsonl",
            "--steps",
            "40",
            "--learning-rate",
            "0.01",
            "--run",
            "run",
            "--json",
        ];

        var result = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Json();
        var again = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Json();
        var alone = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter", "--batch-size", "1"])).Failed(2);
        await File.WriteAllTextAsync(_folder.File("answers.jsonl"), "{\"prompt\":\"the\",\"completion\":\"a\",\"label\":1}");
        var wrong = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Failed(2);
        await File.WriteAllTextAsync(_folder.File("answers.jsonl"), "{\"prompt\":\"the\",\"completion\":\"a\",\"label\":true}");
        var liked = (await Lightning.RunAsync(_folder.Path, [.. command, "--out", "adapter"])).Failed(2);

        Assert.Equal(
            ["out", "answers", "held_out", "steps", "loss", "held_out_loss", "held_out_good", "held_out_bad"],
            result.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal((36, 4), (result.GetProperty("answers").GetInt32(), result.GetProperty("held_out").GetInt32()));
        Assert.InRange(result.GetProperty("held_out_loss").GetDouble(), 0, 0.45);
        Assert.Equal(result.GetRawText(), again.GetRawText());
        Assert.True(File.Exists(_folder.File("adapter/adapter_model.safetensors")));
        var first = JsonDocument
            .Parse((await File.ReadAllLinesAsync(_folder.File("run/journal.jsonl")))[0])
            .RootElement.GetProperty("metrics");
        Assert.Equal(0.5, first.GetProperty("held_out/loss").GetDouble(), 1e-5);
        Assert.Contains("answers per update must be at least 2", alone, StringComparison.Ordinal);
        Assert.Contains("answers.jsonl, line 1: a row must have 'prompt' and 'completion'", wrong, StringComparison.Ordinal);
        Assert.Contains("Of 1 answers 1 are good", liked, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_file_gives_a_model_tools_and_its_journal_says_how_they_are_used()
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat sat on the mat", "the dog sat on the log"]);
        await File.WriteAllTextAsync(
            _folder.File("model/tokenizer_config.json"),
            JsonSerializer.Serialize(
                new
                {
                    chat_template = "{% for t in tools or [] %}{{ t.function.name }} {% endfor %}{% for m in messages %}{{ m.role }} {{ "
                        + "m.content }}<tool_call> {% endfor %}{% if add_generation_prompt %}assistant {% endif %}",
                }
            )
        );
        await File.WriteAllLinesAsync(
            _folder.File("rows.jsonl"),
            Enumerable
                .Range(0, 4)
                .Select(i => JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = $"the {i}" } } }))
        );
        const string Tool = """{"name":"add","description":"Adds.","parameters":{"type":"object"},"command":["cat"]}""";
        await File.WriteAllTextAsync(
            _folder.File("task.json"),
            $$$"""{"data":"rows.jsonl","max_tokens":4,"max_turns":3,"grader":{"type":"string_check","operation":"ilike","reference":"a"},"tools":[{{{Tool}}}]}"""
        );
        string[] command =
        [
            "model",
            "rl",
            "--task",
            "task.json",
            "--model",
            "model",
            "--steps",
            "1",
            "--tasks-per-step",
            "2",
            "--attempts",
            "4",
            "--run",
            "run",
        ];

        Assert.Equal(0, (await Lightning.RunAsync(_folder.Path, command)).ExitCode);
        await File.WriteAllTextAsync(
            _folder.File("task.json"),
            """{"data":"rows.jsonl","grader":{"type":"match","reference":"a"},"tools":[{"name":"add"}]}"""
        );
        var wrong = (await Lightning.RunAsync(_folder.Path, command)).Failed(2);

        var metrics = (await File.ReadAllLinesAsync(_folder.File("run/journal.jsonl")))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("metrics"))
            .Single(line => line.TryGetProperty("reward", out _));
        Assert.Equal(0, metrics.GetProperty("tools/call_frequency").GetDouble());
        Assert.Contains("tools[0]: 'name' must be a text", wrong, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no task 'reverse5'", "--task", "reverse5")]
    [InlineData("no method 'magic'", "--task", "reverse4", "--method", "magic")]
    [InlineData("--model is required", "--task", "task.json")]
    [InlineData("Give --task, or --logged")]
    [InlineData("nothing.jsonl'. --logged takes what", "--task", "reverse4", "--logged", "nothing.jsonl")]
    [InlineData("cispo cannot learn from logged attempts", "--task", "reverse4", "--logged", "task.json", "--method", "cispo")]
    [InlineData("learning rate must be 0 or more and below 10, but it is -1", "--task", "reverse4", "--learning-rate", "-1")]
    [InlineData("at least 2 with this method", "--task", "reverse4", "--attempts", "1")]
    [InlineData("longest context", "--task", "reverse4", "--max-tokens", "9")]
    public async Task What_is_wrong_is_said_in_one_line(string named, params string[] options)
    {
        await File.WriteAllTextAsync(_folder.File("task.json"), "{}");

        Assert.Contains(named, (await Lightning.RunAsync(_folder.Path, ["model", "rl", .. options])).Failed(2), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"data":"rows.jsonl"}""", "'data' and 'grader'")]
    [InlineData("""{"data":"rows.jsonl","grader":{"type":"match","reference":"x"},"grade":1}""", "it has grade")]
    [InlineData("""{"data":"none.jsonl","grader":{"type":"match","reference":"x"}}""", "no file of questions 'none.jsonl'")]
    [InlineData("""{"data":"rows.jsonl","grader":{"type":"python"}}""", "use 'command'")]
    [InlineData("""{"data":"rows.jsonl","grader":{"type":"match","reference":"x"}}""", "rows.jsonl, line 2: a question is an object")]
    [InlineData("""{"data":""", "task.json: not JSON")]
    public async Task A_task_file_that_is_wrong_is_refused_with_its_place(string task, string named)
    {
        await LanguageModelFolder.CreateAsync(_folder.File("model"), ["the cat"]);
        await File.WriteAllLinesAsync(_folder.File("rows.jsonl"), ["{\"prompt\":\"the\"}", "{\"promt\":\"the\"}"]);
        await File.WriteAllTextAsync(_folder.File("task.json"), task);

        Assert.Contains(
            named,
            (await Lightning.RunAsync(_folder.Path, "model", "rl", "--task", "task.json", "--model", "model")).Failed(2),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_chart_shows_the_values_from_the_smallest_to_the_largest()
    {
        string[] rising = [.. RunChart.Lines([.. Enumerable.Range(0, 120).Select(i => i / 119.0)], "reward")];

        Assert.Equal(8, rising.Length);
        Assert.Contains("0.996 │", rising[0], StringComparison.Ordinal);
        Assert.EndsWith("  reward", rising[0], StringComparison.Ordinal);
        Assert.Contains("0.004 │", rising[^1], StringComparison.Ordinal);
        Assert.Equal(60, rising[^1].Split('│')[1].Length);
        Assert.Equal('█', rising[0].Split('│')[1][59]);
        Assert.Equal(' ', rising[0].Split('│')[1][30]);
        Assert.Equal('█', rising[4].Split('│')[1][31]);
        Assert.Empty(RunChart.Lines([], "reward"));
    }

    /// <summary>
    /// Starts a run and asks it to end, once it has a checkpoint. False when it had ended just before. Ctrl-C goes the same way, but what
    /// is started in the background of a shell never sees it.
    /// </summary>
    private async Task<bool> InterruptAsync(string[] command)
    {
        if (Directory.Exists(_folder.File("parts")))
        {
            Directory.Delete(_folder.File("parts"), recursive: true);
        }

        using var process = Lightning.Start(_folder.Path, command);
        using var looks = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!process.HasExited && !Directory.Exists(_folder.File("parts/checkpoint")) && await looks.WaitForNextTickAsync()) { }

        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
        {
            await kill.WaitForExitAsync();
        }

        await process.WaitForExitAsync();
        return process.ExitCode != 0;
    }
}
