namespace ReSciCredentials.Secrets;

/// <summary>How bytes look inside a text that was encoded as base64 together with what stands around them.</summary>
internal static class Base64Core
{
    /// <summary>The characters that stay the same whatever stands before and behind the bytes.</summary>
    /// <param name="alignment">How many bytes of something else share the first group of three: 0, 1 or 2.</param>
    public static string Of(ReadOnlySpan<byte> bytes, int alignment)
    {
        var encoded = Convert.ToBase64String([.. new byte[alignment], .. bytes]);
        var first = alignment == 0 ? 0 : alignment + 1;
        var last = (alignment + bytes.Length) * 8 / 6;
        return encoded[first..last];
    }
}
