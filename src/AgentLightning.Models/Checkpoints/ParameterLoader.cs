using System.Numerics;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Checkpoints;

/// <summary>Brings weights from the order of files into that of memory, and back.</summary>
internal static class ParameterLoader
{
    /// <summary>Copies a whole tensor, a panel at a time. Returns the first number that is not finite, if any.</summary>
    public static unsafe (long Index, float Value)? Load(WorkerPool pool, Parameter parameter, nint source, StoredType type)
    {
        var panels = PanelMatrix.PanelsOf(parameter.Outputs);
        var bad = new NativeBuffer(panels);
        using (bad)
        {
            pool.Run(
                new LoadJob(
                    (void*)source,
                    type,
                    parameter.Weights.Data,
                    parameter.Type,
                    parameter.Outputs,
                    Math.Max(parameter.Inputs, 1),
                    parameter.InputsFirst ? 1 : Math.Max(parameter.Inputs, 1),
                    parameter.InputsFirst ? parameter.Outputs : 1,
                    parameter.IsVector,
                    (byte*)bad.Data
                ),
                panels
            );
            if (new ReadOnlySpan<byte>(bad.Data, panels).IndexOf((byte)1) < 0)
            {
                return null;
            }
        }

        long index = 0;
        while (index < parameter.Count - 1 && float.IsFinite(Kept(index)))
        {
            index++;
        }

        return (index, Kept(index));

        float Kept(long i)
        {
            float kept;
            parameter.Type.Write(&kept, 0, type.Read((void*)source, i));
            return parameter.Type.Read(&kept, 0);
        }
    }

    /// <summary>Writes a whole tensor in the order of files.</summary>
    public static async Task WriteAsync(Parameter parameter, StoredType type, Stream stream, CancellationToken cancellationToken)
    {
        var values = new float[1 << 16];
        var bytes = new byte[values.Length * type.Size()];
        for (long from = 0; from < parameter.Count; from += values.Length)
        {
            var count = (int)Math.Min(values.Length, parameter.Count - from);
            parameter.Read(from, values.AsSpan(0, count));
            Narrow(values.AsSpan(0, count), type, bytes);
            await stream.WriteAsync(bytes.AsMemory(0, count * type.Size()), cancellationToken).ConfigureAwait(false);
        }
    }

    private static unsafe void Narrow(ReadOnlySpan<float> values, StoredType type, byte[] bytes)
    {
        fixed (byte* to = bytes)
        {
            for (var i = 0; i < values.Length; i++)
            {
                type.Write(to, i, values[i]);
            }
        }
    }

    private readonly unsafe struct LoadJob(
        void* source,
        StoredType sourceType,
        void* target,
        StoredType targetType,
        int outputs,
        int inputs,
        long outputStride,
        long inputStride,
        bool isVector,
        byte* bad
    ) : IJob
    {
        private const int Width = PanelKernel.Width;

        public void Run(int part, float* scratch)
        {
            var first = part * Width;
            var count = Math.Min(Width, outputs - first);
            // A vector is a panel matrix of one input without filling.
            var at = isVector ? first : (long)part * inputs * Width;
            bad[part] = (sourceType, targetType) switch
            {
                (StoredType.F32, StoredType.F32) => Copy<uint>(first, count, at, 0x7F800000),
                (StoredType.BF16, StoredType.BF16) => Copy<ushort>(first, count, at, 0x7F80),
                (StoredType.F16, StoredType.F16) => Copy<ushort>(first, count, at, 0x7C00),
                _ => Convert(first, count, at),
            }
                ? (byte)1
                : (byte)0;
        }

        private bool Copy<T>(int first, int count, long at, uint exponent)
            where T : unmanaged, IBinaryInteger<T>
        {
            var mask = T.CreateTruncating(exponent);
            var seen = false;
            for (var i = 0; i < inputs; i++, at += Width)
            {
                var from = (T*)source + (first * outputStride) + (i * inputStride);
                var to = (T*)target + at;
                for (var j = 0; j < count; j++, from += outputStride)
                {
                    to[j] = *from;
                    seen |= (*from & mask) == mask;
                }
            }

            return seen;
        }

        private bool Convert(int first, int count, long at)
        {
            var seen = false;
            for (var i = 0; i < inputs; i++, at += Width)
            {
                for (var j = 0; j < count; j++)
                {
                    var value = sourceType.Read(source, ((first + j) * outputStride) + (i * inputStride));
                    targetType.Write(target, at + j, value);
                    // Also what is finite in the file and too large for the type it is kept in.
                    seen |= !float.IsFinite(targetType.Read(target, at + j));
                }
            }

            return seen;
        }
    }
}
