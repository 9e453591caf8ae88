// Calls a vendor's decoder, in whichever convention it is written, and notices where it reads behind the payload's end.
//
// Most decoders take what is not there for 0, so a cut message would yield readings that nobody measured. They read
// numbers (bytes[i]), parts (slice, splice), one after another (shift, pop) or the message's hexadecimal text (substr),
// from the array that they were given or from a copy of it. What is longer than a number may be "the rest, whatever
// there is" and is let pass. And a decoder that looked at the length, read no byte and yet says something has a default
// for lengths that it does not know.
(function (input, decodeUplink, decode, decoder) {
  var payload = input.bytes.slice(), count = payload.length, read = false, measured = false, rests = new WeakSet(), said;

  function missing(last) {
    throw new RangeError("it reads byte " + last + " of a payload of " + count);
  }

  // Whether an array is the payload, a copy of it, or what is left of one: it ends where the payload ends.
  function ends(array) {
    return rests.has(array) || Array.isArray(array) && array.length === count &&
      payload.every(function (byte, at) { return array[at] === byte; });
  }

  function replace(type, name, make) {
    Object.defineProperty(type.prototype, name, {value: make(type.prototype[name]), writable: true, configurable: true});
  }

  // An index that an array does not have is looked up in its prototypes: here it is noticed.
  Object.setPrototypeOf(Array.prototype, new Proxy(Object.prototype, {get: function (above, key, array) {
    if (typeof key === "string" && key >= 0 && ends(array)) { missing(count - array.length + Number(key)); }
    return above[key];
  }}));
  replace(Array, "slice", function (plain) {
    return function (begin, end) {
      var mine = ends(this), length = this.length;
      if (mine && end > length) { missing(count - length + end - 1); }
      var part = plain.call(this, begin, end);
      if (mine && (end === undefined || Number(end) === length)) { rests.add(part); }
      return part;
    };
  });
  replace(Array, "splice", function (plain) {
    return function (begin, some) {
      var mine = ends(this), length = this.length;
      if (mine && begin >= 0 && begin + some > length) { missing(count - length + begin + some - 1); }
      if (mine) { rests.add(this); }
      return plain.apply(this, arguments);
    };
  });
  ["shift", "pop"].forEach(function (name) {
    replace(Array, name, function (plain) {
      return function () {
        var mine = ends(this);
        if (mine && this.length === 0) { missing(count); }
        if (mine) { rests.add(this); }
        return plain.call(this);
      };
    });
  });
  ["substr", "substring", "slice"].forEach(function (name) {
    replace(String, name, function (plain) {
      return function (begin, end) {
        var digits = this.length, until = name === "substr" ? begin + end : end;
        // Sixteen digits are a number. From behind the end nothing is read, and the empty text says so.
        var cut = digits === 2 * count && begin <= digits && until > digits && until - begin <= 16;
        if (cut && /^[0-9a-f]+$/i.test(this)) { missing(Math.ceil(until / 2) - 1); }
        return plain.apply(this, arguments);
      };
    });
  });

  if (input.recvTime !== undefined) { input.recvTime = new Date(input.recvTime); }
  input.bytes = new Proxy(input.bytes, {get: function (bytes, key) {
    measured = measured || key === "length";
    read = read || typeof key === "string" && key >= 0;
    return bytes[key];
  }});
  rests.add(input.bytes);
  if (decodeUplink) { said = decodeUplink(input); }
  else if (decode) { said = {data: decode(input.fPort, input.bytes, input.variables)}; }
  else if (decoder) { said = {data: decoder(input.bytes, input.fPort)}; }
  else { return JSON.stringify({fault: "no decodeUplink, Decode or Decoder in it"}); }
  if (measured && !read && said && said.data) {
    return JSON.stringify({fault: "it reads no byte of a payload of " + count + ": it knows no message of this length"});
  }
  return JSON.stringify({said: said === undefined ? null : said});
})
