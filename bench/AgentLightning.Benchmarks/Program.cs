using AgentLightning.Benchmarks;

if (args is [BareServer.Argument])
{
    await BareServer.ServeAsync();
    return 0;
}

if (args is [BareServer.Upstream])
{
    await BareServer.ServeAsync(BareModels.AnswerAsync);
    return 0;
}

if (args is [BareServer.Gateway, var upstream])
{
    await BareServer.ServeAsync(BareModels.PassOnTo(new Uri(upstream)));
    return 0;
}

var benchmarks = new Dictionary<string, Func<Task<IReadOnlyList<Figure>>>>
{
    ["train"] = TrainBenchmark.RunAsync,
    ["predict"] = PredictBenchmark.RunAsync,
    ["gemm"] = GemmBenchmark.RunAsync,
    ["train-step"] = TrainStepBenchmark.RunAsync,
    ["decode"] = DecodeBenchmark.RunAsync,
    ["constrain"] = ConstrainBenchmark.RunAsync,
    ["load"] = LoadBenchmark.RunAsync,
    ["rl"] = ReinforcementBenchmark.RunAsync,
    ["learn"] = LearningBenchmark.RunAsync,
    ["learn-classifier"] = ClassifierLearningBenchmark.RunAsync,
    ["capture"] = CaptureBenchmark.RunAsync,
    ["redact"] = RedactBenchmark.RunAsync,
    ["start"] = StartBenchmark.RunAsync,
    ["idle"] = IdleBenchmark.RunAsync,
    ["rewards"] = RewardsBenchmark.RunAsync,
    ["lists"] = ListsBenchmark.RunAsync,
    ["select"] = SelectionBenchmark.RunAsync,
    ["delete"] = DeleteBenchmark.RunAsync,
    ["dataset"] = DatasetBenchmark.RunAsync,
    ["otlp"] = OtlpBenchmark.RunAsync,
    ["otlp-outage"] = OtlpOutageBenchmark.RunAsync,
    ["gateway"] = GatewayBenchmark.RunAsync,
    ["tokenize"] = TokenizeBenchmark.RunAsync,
};
var chosen = args is [] or ["all"] ? [.. benchmarks.Keys] : args;
if (Array.Find(chosen, name => !benchmarks.ContainsKey(name)) is { } unknown)
{
    await Console.Error.WriteLineAsync($"error: there is no benchmark '{unknown}'. There is: {string.Join(", ", benchmarks.Keys)}, all.");
    return 2;
}

foreach (var name in chosen)
{
    foreach (var figure in await benchmarks[name]())
    {
        Console.WriteLine(figure.ToJson());
    }
}

return 0;
