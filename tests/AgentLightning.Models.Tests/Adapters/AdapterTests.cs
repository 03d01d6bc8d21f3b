using System.Text.Json.Nodes;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>An adapter is what PEFT says that it is: in what it computes, and on disk.</summary>
public sealed class AdapterTests : IDisposable
{
    private static readonly int[] s_tokens = [5, 9, 2, 2, 30, 7, 1, 12];
    private readonly Compute _compute = new(2);
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<TransformerFamily> Families => [.. Enum.GetValues<TransformerFamily>()];

    public void Dispose()
    {
        _compute.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_new_adapter_changes_nothing_and_a_trained_one_merged_is_the_same_as_attached(TransformerFamily family)
    {
        using var model = TinyModels.Create(family, tied: true);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 3, Alpha = 2 }, 1);
        var plain = LogProbabilities(model);

        adapter.Attach();
        Assert.Equal(plain, LogProbabilities(model));
        Randomize(adapter);
        var attached = LogProbabilities(model);
        Assert.True(attached.Zip(plain).Max(pair => Math.Abs(pair.First - pair.Second)) > 0.1);

        adapter.Merge();
        Assert.False(adapter.IsAttached);
        Close.All(attached, LogProbabilities(model), 1e-4);
        adapter.Unmerge();
        Close.All(plain, LogProbabilities(model), 1e-4);
        adapter.Attach();
        Close.All(attached, LogProbabilities(model), 1e-4);
        adapter.Detach();
        Close.All(plain, LogProbabilities(model), 1e-4);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task What_was_saved_is_loaded_bit_for_bit(TransformerFamily family)
    {
        using var model = TinyModels.Create(family, tied: true);
        using var adapter = Adapter.Create(
            model,
            new AdapterOptions
            {
                Rank = 5,
                Alpha = 7,
                RankStabilized = true,
            },
            1
        );
        Randomize(adapter);
        await PeftFolder.SaveAsync(adapter, _folder.File("adapter"), "base");

        using var loaded = PeftFolder.Load(_folder.File("adapter"), model, _compute);

        Assert.Equal((5, 7f, 7 / MathF.Sqrt(5)), (loaded.Options.Rank, loaded.Options.Alpha, loaded.Options.Scale));
        Assert.Equal(adapter.Parameters.Select(p => p.Name), loaded.Parameters.Select(p => p.Name));
        Assert.All(adapter.Parameters.Zip(loaded.Parameters), pair => Assert.Equal(Values(pair.First), Values(pair.Second)));
    }

    [Theory]
    [InlineData(
        TransformerFamily.Qwen2,
        "model.layers.{0}.self_attn.q_proj|24|24,model.layers.{0}.self_attn.v_proj|24|12",
        false,
        "q_proj",
        "v_proj"
    )]
    [InlineData(
        TransformerFamily.Gpt2,
        "transformer.h.{0}.attn.c_attn|24|72,transformer.h.{0}.mlp.c_proj|37|24",
        true,
        "attn.c_attn",
        "mlp.c_proj"
    )]
    public async Task The_folder_has_the_files_keys_shapes_and_types_of_peft(
        TransformerFamily family,
        string layers,
        bool fanInFanOut,
        params string[] targets
    )
    {
        using var model = TinyModels.Create(family, tied: true);
        using var adapter = Adapter.Create(
            model,
            new AdapterOptions
            {
                Rank = 4,
                Alpha = 8,
                Targets = targets,
            },
            1
        );
        var folder = _folder.File("adapter");
        await PeftFolder.SaveAsync(adapter, folder, "org/base");

        Assert.Equal(
            ["adapter_config.json", "adapter_model.safetensors"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        var config = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "adapter_config.json")))!.AsObject();
        Assert.Equal(config.Select(pair => pair.Key).Order(StringComparer.Ordinal), config.Select(pair => pair.Key));
        Assert.Equal(
            ("LORA", "CAUSAL_LM", "org/base", 4, 8, "none", fanInFanOut, true, false, false),
            (
                (string)config["peft_type"]!,
                (string)config["task_type"]!,
                (string)config["base_model_name_or_path"]!,
                (int)config["r"]!,
                (int)config["lora_alpha"]!,
                (string)config["bias"]!,
                (bool)config["fan_in_fan_out"]!,
                (bool)config["inference_mode"]!,
                (bool)config["use_rslora"]!,
                (bool)config["use_dora"]!
            )
        );
        Assert.Equal(targets, config["target_modules"]!.AsArray().Select(name => (string)name!));
        Assert.All((string[])["modules_to_save", "layers_to_transform", "revision"], key =>
            Assert.True(config.ContainsKey(key) && config[key] is null)
        );
        Assert.All((string[])["rank_pattern", "alpha_pattern"], key => Assert.Empty(config[key]!.AsObject()));

        using var file = SafeTensorsFile.Open(Path.Combine(folder, "adapter_model.safetensors"));
        Assert.Equal("pt", file.Metadata["format"]);
        var expected =
            from layer in Enumerable.Range(0, 2)
            from entry in layers.Split(',')
            let parts = string.Format(System.Globalization.CultureInfo.InvariantCulture, entry, layer).Split('|')
            from line in new[]
            {
                $"base_model.model.{parts[0]}.lora_A.weight F32 4,{parts[1]}",
                $"base_model.model.{parts[0]}.lora_B.weight F32 {parts[2]},4",
            }
            select line;
        Assert.Equal(expected, file.Names.Select(name => $"{name} {file.TypeOf(name)} {string.Join(',', file.ShapeOf(name))}"));
    }

    [Fact]
    public async Task A_save_that_fails_leaves_the_adapter_that_was_there()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 2 }, 1);
        var folder = _folder.File("adapter");
        await PeftFolder.SaveAsync(adapter, folder, "base");
        var before = Values(adapter.Parameters[0]);
        Randomize(adapter);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PeftFolder.SaveAsync(adapter, folder, "base", cancelled.Token));

        using var loaded = PeftFolder.Load(folder, model, _compute);
        Assert.Equal(before, Values(loaded.Parameters[0]));
    }

    [Theory]
    [InlineData("\"r\": 2", "\"r\": 3", "should be F32, F16 or BF16 [3, 24], but it is F32 [2, 24]")]
    [InlineData("\"use_dora\": false", "\"use_dora\": true", "use_dora")]
    [InlineData("\"bias\": \"none\"", "\"bias\": \"all\"", "'bias' is 'all'")]
    [InlineData("\"peft_type\": \"LORA\"", "\"peft_type\": \"IA3\"", "'peft_type' is 'IA3'")]
    [InlineData("\"modules_to_save\": null", "\"modules_to_save\": [\"lm_head\"]", "modules_to_save")]
    [InlineData("\"q_proj\"", "\"z_proj\"", "No layer of this model is called 'z_proj'")]
    [InlineData("\"q_proj\"", "\"q_proj\", \"k_proj\"", "k_proj.lora_A.weight' [2, 24] is missing")]
    [InlineData("\"q_proj\",", "", "belongs to no layer")]
    public async Task What_is_not_a_plain_adapter_of_this_model_is_refused_by_name(string from, string to, string named)
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 2, Targets = ["q_proj", "v_proj"] }, 1);
        var folder = _folder.File("adapter");
        await PeftFolder.SaveAsync(adapter, folder, "base");
        var path = Path.Combine(folder, "adapter_config.json");
        var config = await File.ReadAllTextAsync(path);
        Assert.Contains(from, config, StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, config.Replace(from, to, StringComparison.Ordinal));

        var message = Assert.Throws<InvalidDataException>(() => PeftFolder.Load(folder, model, _compute)).Message;

        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains(folder, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_adapter_is_trained_and_one_at_a_time_is_attached()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        model.Train(true);
        using Adapter one = Adapter.Create(model, new AdapterOptions { Rank = 2 }, 1),
            two = Adapter.Create(model, new AdapterOptions { Rank = 2 }, 2);
        one.Attach();
        one.Train(true);

        Assert.DoesNotContain(model.Parameters, parameter => parameter.IsTrained);
        Assert.All(one.Parameters, parameter => Assert.True(parameter.IsTrained));
        Assert.Throws<InvalidOperationException>(two.Attach);
        one.Merge();
        Assert.Throws<InvalidOperationException>(one.Attach);
        Assert.Throws<InvalidOperationException>(one.Merge);
        two.Attach();
        Assert.True(two.IsAttached);
    }

    private float[] LogProbabilities(Transformer model)
    {
        using var session = new TrainingSession(model, _compute);
        var result = new float[7];
        session.Forward(s_tokens, [0, 8], [0, 1, 2, 3, 4, 5, 6], s_tokens.AsSpan(1), result);
        return result;
    }

    private static float[] Values(Parameter parameter)
    {
        var values = new float[parameter.Count];
        parameter.Read(0, values);
        return values;
    }

    private static void Randomize(Adapter adapter)
    {
        var random = new SeededRandom(4);
        foreach (var parameter in adapter.Parameters)
        {
            var values = new float[parameter.Count];
            foreach (ref var value in values.AsSpan())
            {
                value = 0.3f * random.NextNormal();
            }

            parameter.Write(0, values);
        }
    }
}
