using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>A tiny model and what PyTorch computes with it, made by Fixtures/make_parity.py.</summary>
internal sealed class Golden : IDisposable
{
    private readonly SafeTensorsFile _file;

    public Golden(string name, Compute compute)
    {
        Folder = FolderOf(name);
        Model = HuggingFaceFolder.Load(Folder, compute);
        _file = SafeTensorsFile.Open(Path.Combine(Folder, "golden.safetensors"));
    }

    public static TheoryData<string> Names => ["gpt2", "gpt2-untied", "llama", "llama-tied", "qwen2", "qwen3"];

    public string Folder { get; }

    public Transformer Model { get; }

    public int[] Tokens => Integers("tokens");

    public int[] Starts => Integers("starts");

    public int[] Positions => Integers("positions");

    public int[] Targets => Integers("targets");

    public static string FolderOf(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    public float[] Singles(string name) => _file.Singles(name, [.. _file.ShapeOf(name)]);

    public void Dispose()
    {
        Model.Dispose();
        _file.Dispose();
    }

    public static float[] Gradient(Parameter parameter)
    {
        var values = new float[parameter.Count];
        parameter.ReadGradient(0, values);
        return values;
    }

    private int[] Integers(string name) => _file.Integers(name, [.. _file.ShapeOf(name)]);
}
