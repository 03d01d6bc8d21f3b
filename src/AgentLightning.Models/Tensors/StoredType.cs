namespace AgentLightning.Models.Tensors;

/// <summary>
/// How a weight is kept in memory and on disk. Arithmetic is always single precision; narrower weights are widened as they are read.
/// </summary>
public enum StoredType
{
    /// <summary>32 bits; the only one that can be trained.</summary>
    F32,

    /// <summary>The upper 16 bits of a single.</summary>
    BF16,

    /// <summary>IEEE 754 binary16.</summary>
    F16,
}

internal static class StoredTypes
{
    /// <summary>Reads the name that safetensors files use.</summary>
    public static bool TryParse(string name, out StoredType type) =>
        Enum.TryParse(name, out type) && Enum.IsDefined(type) && name == type.ToString();

    public static int Size(this StoredType type) => type == StoredType.F32 ? 4 : 2;

    /// <summary>One stored number as a single.</summary>
    public static unsafe float Read(this StoredType type, void* data, long index) =>
        type switch
        {
            StoredType.F32 => ((float*)data)[index],
            StoredType.BF16 => BitConverter.Int32BitsToSingle(((ushort*)data)[index] << 16),
            _ => (float)((Half*)data)[index],
        };

    /// <summary>Stores a single, rounded to the nearest, ties to even.</summary>
    public static unsafe void Write(this StoredType type, void* data, long index, float value)
    {
        switch (type)
        {
            case StoredType.F32:
                ((float*)data)[index] = value;
                break;
            case StoredType.BF16:
                var bits = BitConverter.SingleToUInt32Bits(value);
                ((ushort*)data)[index] = (ushort)(float.IsNaN(value) ? (bits >> 16) | 0x40 : (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
                break;
            default:
                ((Half*)data)[index] = (Half)value;
                break;
        }
    }
}
