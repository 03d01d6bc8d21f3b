using AgentLightning.Access;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Engine.Backends;
using AgentLightning.Engine.Learning;
using AgentLightning.Engine.Tuned;
using AgentLightning.Storage;
using AgentLightning.Testing;
using AgentLightning.Training;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Engine.Tests.Learning;

/// <summary>Runs of language models from a queue: what they make answers, and what stops them tells why.</summary>
public sealed class LanguageTrainingTests : IAsyncLifetime
{
    private static readonly Scope s_owner = Scope.Owner("test");
    private readonly TemporaryFolder _folder = new();
    private ServiceProvider _services = null!;
    private long _memory = long.MaxValue;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ITrainingRunStore Runs => _services.GetRequiredService<ITrainingRunStore>();

    public async ValueTask InitializeAsync()
    {
        await ShopStore.AddModelAsync(_folder.File("models"));
        _services = Open(_ => { });
        await _services.OpenLightningAsync(create: true, Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("sft", DatasetKind.Chat)]
    [InlineData("reward_weighted_sft", DatasetKind.Chat)]
    [InlineData("dpo", DatasetKind.Preference)]
    [InlineData("kto", DatasetKind.Prompts)]
    [InlineData("kto", DatasetKind.Chat)]
    [InlineData("grpo", DatasetKind.Prompts)]
    [InlineData("ppo", DatasetKind.Prompts)]
    public async Task Each_method_makes_an_adapter_that_answers(string method, DatasetKind kind)
    {
        var run = await TrainedAsync(kind, method, ShopStore.Model, Parameters(method));

        using var client = await OpenAsync(run);
        var answer = await client.GetResponseAsync(ShopStore.Talk.Question, new ChatOptions { MaxOutputTokens = 5 }, Token);

        Assert.Equal(run.TunedModelName, answer.ModelId);
        var rows = method == "kto" && kind == DatasetKind.Prompts ? 6 : 3;
        Assert.Equal((4, 4, (double)rows), (run.Step, run.Steps, run.Metrics!["examples"]));
        var log = await Runs.ReadLogAsync(run.Id, 0, 100, tail: false, Token);
        Assert.Equal([1, 2, 3, 4], log.Select(line => line.Step).OfType<int>());
        Assert.Contains(log, line => line.Message?.Contains("learn (an adapter)", StringComparison.Ordinal) == true);
        Assert.Contains(log, line => line.Message?.StartsWith($"Learns from {rows} rows", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task A_whole_model_that_learned_conversations_says_what_it_learned_and_not_what_was_held_out()
    {
        var run = await TrainedAsync(
            DatasetKind.Chat,
            "sft",
            ShopStore.Model,
            ("full", "true"),
            ("steps", "60"),
            ("learning_rate", "1e-2"),
            ("batch_size", "3")
        );

        using var client = await OpenAsync(run);
        var options = new ChatOptions
        {
            Temperature = 0,
            MaxOutputTokens = 40,
            StopSequences = ["\n"],
        };
        var answer = await client.GetResponseAsync(ShopStore.Talk.Question, options, Token);
        var heldOut = await client.GetResponseAsync("are you open today", options, Token);

        Assert.Equal(ShopStore.Talk.Answer, answer.Text.Trim());
        Assert.NotEqual("yes until six", heldOut.Text.Trim());
        var log = await Runs.ReadLogAsync(run.Id, 0, 100, tail: false, Token);
        var losses = log.Where(line => line.Metrics is not null).Select(line => line.Metrics!["loss"]).ToList();
        Assert.True(losses[^1] < 0.1 * losses[0], $"from {losses[0]} to {losses[^1]}");
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task A_run_goes_on_from_the_model_of_an_earlier_one(string full)
    {
        (string, string)[] parameters = [("steps", "20"), ("learning_rate", "1e-2"), ("batch_size", "3")];
        var first = await TrainedAsync(DatasetKind.Chat, "sft", ShopStore.Model, [.. parameters, ("full", full)]);

        var second = await TrainedAsync(DatasetKind.Chat, "sft", first.TunedModelName!, parameters);

        var (ended, begun) = (first.Metrics!["loss"], (await LossesAsync(second))[0]);
        Assert.True(begun < 1.3 * ended, $"{ended}, then {begun}");
        Assert.True((await LossesAsync(first))[0] > begun);
        Assert.True(second.Metrics!["loss"] < ended);
        using var use = await _services.GetRequiredService<TunedModels>().UseAsync("shop", second.Artifact!, Token);
        Assert.Equal(ShopStore.Model, use.Files.Manifest.BaseModel);
        Assert.Equal(full == "true" ? TunedKind.Model : TunedKind.Adapter, use.Files.Manifest.Kind);
        // What was learned in both runs answers: what comes out is as good as what the second run measured.
        using var client = await OpenAsync(second);
        Assert.NotEqual("", (await client.GetResponseAsync(ShopStore.Talk.Question, new ChatOptions { Temperature = 0 }, Token)).Text);
    }

    [Theory]
    [InlineData("sft", DatasetKind.Chat)]
    [InlineData("dpo", DatasetKind.Preference)]
    [InlineData("kto", DatasetKind.Prompts)]
    [InlineData("grpo", DatasetKind.Prompts)]
    [InlineData("ppo", DatasetKind.Prompts)]
    public async Task A_run_that_was_interrupted_ends_in_the_very_bytes_of_one_that_was_not(string method, DatasetKind kind)
    {
        (string, string)[] parameters = [.. Parameters(method), ("save_every", "2")];
        var whole = await TrainedAsync(kind, method, ShopStore.Model, parameters);
        using var shutdown = new CancellationTokenSource();
        await using var ending = Open(services =>
            services.AddSingleton<ITrainingEngine>(provider => new Interrupted(
                new LocalTrainingEngine(provider.GetRequiredService<LanguageTrainer>()),
                3,
                shutdown
            ))
        );
        var run = await StartAsync(kind, method, ShopStore.Model, parameters);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ending.GetRequiredService<TrainingWorker>().RunNextAsync(shutdown.Token)
        );
        var left = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal(TrainingStatus.Running, left.Status);
        Assert.InRange(left.CheckpointStep!.Value, 2, 3);

        await WorkAsync();

        var done = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal((TrainingStatus.Succeeded, 2, 4), (done.Status, done.Attempts, done.Step));
        Assert.Equal(whole.Artifact, done.Artifact);
        var log = await Runs.ReadLogAsync(run.Id, 0, 100, tail: false, Token);
        Assert.Equal([1, 2, 3, 4], log.Select(line => line.Step).OfType<int>());
    }

    [Fact]
    public async Task What_does_not_fit_the_memory_is_refused_with_both_numbers_and_what_to_lower()
    {
        _memory = 1_000_000;

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            StartAsync(DatasetKind.Prompts, "grpo", ShopStore.Model, [("grader", "match"), ("full", "true")])
        );

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Matches(@"would take about \d+\.\d\d GB of memory, but 0\.00 GB are free", error.Message);
        Assert.Contains(
            "Lower train an adapter (full false), max_length, tokens_at_once, batch_size, attempts",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.Empty(await Runs.ListAsync(null, 10, Token));
    }

    [Fact]
    public async Task What_no_longer_fits_when_its_turn_comes_fails_with_the_reason()
    {
        var run = await StartAsync(DatasetKind.Chat, "sft", ShopStore.Model, []);
        _memory = 1_000_000;

        await WorkAsync();

        var failed = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal(TrainingStatus.Failed, failed.Status);
        Assert.Contains("GB are free", failed.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_base_model_that_is_not_there_or_has_no_chat_template_is_told_with_the_other_mistakes()
    {
        await ShopStore.AddModelAsync(_folder.File("models"), "mute", hasTemplate: false);

        var nothing = await RefusedAsync("", ("seed", "x"));
        var unknown = await RefusedAsync("large", ("seed", "x"));
        var outside = await RefusedAsync(Path.Combine(_folder.File("models"), ShopStore.Model), ("seed", "x"));
        var mute = await RefusedAsync("mute", ("seed", "x"));

        Assert.Contains("base_model is required", nothing, StringComparison.Ordinal);
        Assert.Contains("There is: mute, tiny", nothing, StringComparison.Ordinal);
        Assert.Contains("base model 'large' was not found", unknown, StringComparison.Ordinal);
        Assert.Contains("was not found", outside, StringComparison.Ordinal);
        Assert.Contains("mute has no chat template", mute, StringComparison.Ordinal);
        Assert.All([nothing, unknown, outside, mute], text => Assert.Contains("'seed' must be", text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_base_model_whose_content_was_changed_and_rows_that_nobody_can_grade_end_a_run_with_the_reason()
    {
        var first = await TrainedAsync(DatasetKind.Chat, "sft", ShopStore.Model, [("steps", "1")]);
        var next = await StartAsync(DatasetKind.Chat, "sft", first.TunedModelName!, [("steps", "1")]);
        var file = Path.Combine(_folder.File("lightning.artifacts"), first.Artifact!["sha256:".Length..]);
        var content = await File.ReadAllBytesAsync(file, Token);
        content[^3000] ^= 1;
        await File.WriteAllBytesAsync(file, content, Token);
        var blind = await ShopStore.AddDatasetAsync(_services, DatasetKind.Prompts, knowsAnswers: false);
        var ungraded = await _services
            .GetRequiredService<StartTraining>()
            .ExecuteAsync(
                s_owner,
                new StartTrainingRequest(
                    ShopStore.Agent,
                    blind,
                    "grpo",
                    ShopStore.Model,
                    new Dictionary<string, string> { ["grader"] = "match" }
                ),
                Token
            );
        // A server that has not read the model yet.
        await using var other = Open(_ => { });
        var worker = other.GetRequiredService<TrainingWorker>();

        while (await worker.RunNextAsync(Token)) { }

        var (damaged, useless) = ((await Runs.FindAsync(next.Id, Token))!, (await Runs.FindAsync(ungraded.Id, Token))!);
        Assert.Equal((TrainingStatus.Failed, TrainingStatus.Failed), (damaged.Status, useless.Status));
        Assert.Contains("was changed after it was stored", damaged.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("There is nothing to learn from", useless.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("3 because nothing can be learned", useless.ErrorMessage, StringComparison.Ordinal);
    }

    private static (string, string)[] Parameters(string method) =>
        method is "grpo" or "ppo"
            ? [("steps", "4"), ("grader", "similarity"), ("attempts", "4"), ("answer_tokens", "8"), ("batch_size", "3"), ("threads", "1")]
            : [("steps", "4"), ("batch_size", "2"), ("threads", "1")];

    private async Task<string> RefusedAsync(string baseModel, params (string, string)[] parameters)
    {
        var error = await Assert.ThrowsAsync<LightningException>(() => StartAsync(DatasetKind.Chat, "sft", baseModel, parameters));
        Assert.Equal(ErrorKind.Invalid, error.Kind);
        return error.Message;
    }

    private async Task<TrainingRun> TrainedAsync(
        DatasetKind kind,
        string method,
        string baseModel,
        params (string Name, string Value)[] parameters
    )
    {
        var run = await StartAsync(kind, method, baseModel, parameters);
        await WorkAsync();
        run = (await Runs.FindAsync(run.Id, Token))!;
        Assert.True(run.Status == TrainingStatus.Succeeded, run.ErrorMessage);
        return run;
    }

    private async Task<TrainingRun> StartAsync(
        DatasetKind kind,
        string method,
        string baseModel,
        (string Name, string Value)[] parameters
    ) =>
        await _services
            .GetRequiredService<StartTraining>()
            .ExecuteAsync(
                s_owner,
                new StartTrainingRequest(
                    ShopStore.Agent,
                    await ShopStore.AddDatasetAsync(_services, kind),
                    method,
                    baseModel,
                    parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value)
                ),
                Token
            );

    private async Task WorkAsync()
    {
        while (await _services.GetRequiredService<TrainingWorker>().RunNextAsync(Token)) { }
    }

    private ValueTask<IChatClient> OpenAsync(TrainingRun run) =>
        _services.GetRequiredService<IReleaseChatClients>().OpenAsync(run.TunedModelName!, run.Artifact!, Token);

    private async Task<IReadOnlyList<double>> LossesAsync(TrainingRun run) =>
        [
            .. (await Runs.ReadLogAsync(run.Id, 0, 1_000, tail: false, Token))
                .Where(line => line.Metrics is not null)
                .Select(line => line.Metrics!["loss"]),
        ];

    private ServiceProvider Open(Action<IServiceCollection> configure)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(new MachineMemory(() => _memory));
        configure(services);
        return services
            .AddLightningServices(
                new LightningOptions
                {
                    Store = _folder.File("lightning.db"),
                    Models = new ModelOptions { Folder = _folder.File("models") },
                }
            )
            .AddEngine()
            .BuildServiceProvider();
    }

    /// <summary>The engine of a server that is told to end when a run comes to a step.</summary>
    private sealed class Interrupted(ITrainingEngine inner, int at, CancellationTokenSource shutdown)
        : ITrainingEngine,
            IProgress<TrainingProgress>
    {
        private IProgress<TrainingProgress>? _progress;

        public string Name => inner.Name;

        public Task<TunedModel> TrainAsync(TrainingJob job, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
        {
            _progress = progress;
            return inner.TrainAsync(job, this, cancellationToken);
        }

        public void Report(TrainingProgress value)
        {
            _progress?.Report(value);
            if (value.Step == at)
            {
                shutdown.Cancel();
            }
        }
    }
}
